// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
package import SystemPackage

/// Makes a new, empty, signed tree.
package enum TreeInitialiser {
    /// Makes the tree. Its pointer comes last: until then there is no tree, and the call can be made again.
    ///
    /// - Parameters:
    ///   - tree: the top directory; made if it does not exist, refused if there is something else in it.
    ///   - keys: the keys of all roles.
    ///   - id: the server's name for itself, of the form of an image name's part, as in `images.example.org`.
    ///   - now: the clock to sign by.
    ///   - draft: the first root document, signed by the holders of the root keys; signed here if nil.
    ///   - remote: the tree in an object store that `tree` is the working copy of.
    /// - Throws: `POLICY` for an id that is none, `REPOSITORY` if there is something already, `SIGNATURE`.
    package static func initialise(
        tree: FilePath,
        keys: KeyStore,
        id: String,
        now: Timestamp,
        validity: Validity = Validity(),
        draft: RootDraft? = nil,
        remote: RemoteTree? = nil
    ) throws(RootcellarError) {
        if let remote {
            return try remote.lockedForInit { () throws(RootcellarError) in
                try make(tree: tree, keys, id, now, validity, draft, remote)
            }
        }
        let layout = TreeLayout(top: tree)
        let server = try ImageName.part("server", id)
        try keys.require(Role.allCases)
        _ = try draft.map { draft throws(RootcellarError) in try check(draft, server, keys, now: now) }
        try Disk.makeDirectory(tree)
        try refuse(layout)
        try Disk.makeDirectory(tree.appending(TreeLayout.hidden))
        let lock = try TreeLock(layout, waiting: 0)
        defer { withExtendedLifetime(lock) {} }
        try make(tree: tree, keys, id, now, validity, draft, nil)
    }

    private static func make(
        tree: FilePath,
        _ keys: KeyStore,
        _ id: String,
        _ now: Timestamp,
        _ validity: Validity,
        _ draft: RootDraft?,
        _ remote: RemoteTree?
    ) throws(RootcellarError) {
        let server = try ImageName.part("server", id)
        try keys.require(Role.allCases)
        let given = try draft.map { draft throws(RootcellarError) in try check(draft, server, keys, now: now) }
        let layout = TreeLayout(top: tree)
        try refuse(layout)
        try Journal.recover(layout, current: 0)

        let home = try keys.openHome()
        defer { home.close() }
        let signer = DocumentSigner(keys: keys, home: home, validity: validity, now: now)
        let root: RootDocument
        if let draft {
            root = draft.document
        } else {
            root = try document(server, keys, home, expires: try validity.end(of: .root, signedAt: now))
        }
        let verifier = try TreeVerifier(root: root, now: now)
        let manifest = Manifest(
            server: server,
            version: 1,
            signedAt: now,
            validUntil: try validity.end(of: .manifest, signedAt: now),
            indexes: [:]
        )
        let manifestBytes = try signer.sign(manifest, after: 0, verifier: verifier)
        let pointer = Pointer(
            server: server,
            root: 1,
            manifest: Pointer.Manifest(version: 1, file: FileReference(of: manifestBytes)),
            signedAt: now,
            validUntil: try validity.end(of: .pointer, signedAt: now)
        )
        let pointerBytes = try signer.sign(pointer, after: 0, verifier: verifier)
        let rootBytes: [UInt8]
        if let given { rootBytes = given } else { rootBytes = try signer.sign(root) }
        let files: [(String, [UInt8])] = [
            (TreePath.root(1), rootBytes), (TreePath.rootKeys(1), try rootKeys(root)),
            (TreePath.manifest(1), manifestBytes),
        ]
        let indexes = DerivedIndexes(layout: layout, home: home, key: keys.release)
        let derived = try indexes.stage(LegacyIndex([]).bytes, StreamsFiles(StreamsCatalogue(), updated: now), manifest)

        for directory in ["images", "rootcellar/root", "rootcellar/manifest", "rootcellar/index"] {
            try Disk.makeDirectories(directory, below: tree)
        }
        for (path, bytes) in files { try layout.put(bytes, at: path) }
        try indexes.flip(to: derived)
        try remote?.begin(tree: files.map(\.0), manifest: pointer.manifest.file.sha256, pointer: pointerBytes)
        try layout.put(pointerBytes, at: TreePath.pointer)
        let hash = SHA256Digest(hashing: try root.canonicalBytes())
        try keys.record(server) {
            $0.manifest = 1
            $0.root = max($0.root, 1)
            $0.rootHash = hash
        }
        try Journal.recover(layout, current: 1)
    }

    /// The first root document, for the holders of the root keys to sign.
    ///
    /// - Throws: `POLICY` for an id that is none or a role without keys.
    package static func draft(
        keys: KeyStore,
        id: String,
        now: Timestamp,
        validity: Validity = Validity()
    ) throws(RootcellarError) -> RootDraft {
        let server = try ImageName.part("server", id)
        try keys.require(Role.allCases)
        let home = try keys.openHome()
        defer { home.close() }
        let expires = try validity.end(of: .root, signedAt: now)
        return try RootDraft(document(server, keys, home, expires: expires), after: nil)
    }

    private static func document(
        _ server: String,
        _ keys: KeyStore,
        _ home: KeyHome,
        expires: Timestamp
    ) throws(RootcellarError) -> RootDocument {
        var blocks: [Fingerprint: String] = [:]
        var roles: [Role: RootDocument.Keys] = [:]
        for role in Role.allCases {
            let fingerprints = keys.fingerprints(role)
            roles[role] = RootDocument.Keys(threshold: keys.threshold(role), fingerprints: fingerprints)
            for key in fingerprints { blocks[key] = String(decoding: try home.exportPublic(key), as: UTF8.self) }
        }
        return RootDocument(
            server: server,
            version: 1,
            expires: expires,
            roles: roles,
            publicKeys: blocks.sorted { $0.key < $1.key }.map(\.value)
        )
    }

    /// The file of a draft that was signed by others.
    private static func check(
        _ draft: RootDraft,
        _ server: String,
        _ keys: KeyStore,
        now: Timestamp
    ) throws(RootcellarError) -> [UInt8] {
        let bytes = try draft.signedFile(now: now)
        guard draft.previous == nil, draft.document.version == 1, draft.document.server == server else {
            throw RootcellarError(
                .binding,
                "it is root document \(draft.document.version) of '\(draft.document.server)'",
                subject: server,
                hint: "give the draft of 'repo init --draft'"
            )
        }
        guard draft.document.expires > now else {
            throw RootcellarError(.freeze, "it expired at \(draft.document.expires)", subject: server)
        }
        for role in [Role.release, .freshness] where try keys.signers(role, in: draft.document).isEmpty {
            throw RootcellarError(
                .policy,
                "the draft names other keys for the role '\(role.rawValue)'",
                subject: keys.directory.string,
                hint: "give the key directory that the draft was made with"
            )
        }
        return bytes
    }

    /// The file that is read at first contact: the armored keys of the role `root`, in the order of the document.
    static func rootKeys(_ root: RootDocument) throws(RootcellarError) -> [UInt8] {
        let wanted = Set(try root.keys(of: .root).fingerprints)
        var result: [UInt8] = []
        for block in root.publicKeys {
            let bytes = Array(block.utf8)
            let found = try PublicKeyBlock.primaryFingerprints(bytes, subject: "public keys")
            if !wanted.isDisjoint(with: found) { result += bytes }
        }
        return result
    }

    /// Nothing of anybody's is overwritten; what an interrupted call of our own left is.
    private static func refuse(_ layout: TreeLayout) throws(RootcellarError) {
        let subject = layout.top.string
        if Disk.exists(layout.path(TreePath.pointer)) {
            throw RootcellarError(.repository, "there is a published tree already", subject: subject)
        }
        let members = Set(try Disk.members(layout.top))
        if members.isEmpty { return }
        let manifests = try Disk.members(layout.path("rootcellar/manifest"))
        guard members.contains(TreeLayout.hidden),
            members.isSubset(of: [TreeLayout.hidden, "images", "rootcellar", "meta", "streams"]),
            Set(manifests).isSubset(of: ["1.signed"]), try Disk.members(layout.path("images")).isEmpty
        else {
            throw RootcellarError(
                .repository,
                "the directory is not empty",
                subject: subject,
                hint: "give a new directory"
            )
        }
    }
}
