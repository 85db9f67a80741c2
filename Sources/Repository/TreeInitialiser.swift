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
    /// - Throws: `POLICY` for an id that is none, `REPOSITORY` if there is something already, `SIGNATURE`.
    package static func initialise(
        tree: FilePath,
        keys: KeyStore,
        id: String,
        now: Timestamp,
        validity: Validity = Validity()
    ) throws(RootcellarError) {
        let server = try ImageName.part("server", id)
        let layout = TreeLayout(top: tree)
        try Disk.makeDirectory(tree)
        try refuse(layout)
        try Disk.makeDirectory(tree.appending(TreeLayout.hidden))
        let lock = try TreeLock(layout, waiting: 0)
        defer { withExtendedLifetime(lock) {} }
        try refuse(layout)
        try Journal.recover(layout, current: 0)

        let home = try keys.openHome()
        defer { home.close() }
        let signer = DocumentSigner(keys: keys, home: home, validity: validity, now: now)
        var blocks: [Fingerprint: String] = [:]
        var roles: [Role: RootDocument.Keys] = [:]
        for role in Role.allCases {
            let fingerprints = keys.fingerprints(role)
            roles[role] = RootDocument.Keys(threshold: keys.threshold(role), fingerprints: fingerprints)
            for key in fingerprints { blocks[key] = String(decoding: try home.exportPublic(key), as: UTF8.self) }
        }
        let root = RootDocument(
            server: server,
            version: 1,
            expires: try validity.end(of: .root, signedAt: now),
            roles: roles,
            publicKeys: blocks.sorted { $0.key < $1.key }.map(\.value)
        )
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
        let files: [(String, [UInt8])] = [
            (TreePath.root(1), try signer.sign(root)), (TreePath.rootKeys(1), try rootKeys(root)),
            (TreePath.manifest(1), manifestBytes),
        ]
        let indexes = DerivedIndexes(layout: layout, home: home, key: keys.release)
        let derived = try indexes.stage(LegacyIndex([]).bytes, StreamsCatalogue(), manifest)

        for directory in ["images", "rootcellar/root", "rootcellar/manifest", "rootcellar/index"] {
            try Disk.makeDirectories(directory, below: tree)
        }
        for (path, bytes) in files { try put(bytes, path, layout) }
        try indexes.flip(to: derived)
        try put(pointerBytes, TreePath.pointer, layout)
        try Journal.recover(layout, current: 1)
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

    private static func put(_ bytes: [UInt8], _ path: String, _ layout: TreeLayout) throws(RootcellarError) {
        let staged = layout.staging.appending("file")
        try Disk.write(bytes, to: staged)
        try Disk.rename(staged, to: layout.path(path))
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
