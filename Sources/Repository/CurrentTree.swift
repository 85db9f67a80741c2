// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// What is published now, as its publisher reads it: everything verified, nothing refused for its age, because
/// publishing is how age is cured.
struct CurrentTree {
    let layout: TreeLayout
    let verifier: TreeVerifier
    let pointer: Pointer
    let manifest: Manifest
    /// The pointer file, to see whether somebody else changed it meanwhile.
    let pointerBytes: [UInt8]

    var root: RootDocument { verifier.root }

    /// What was read and verified by others.
    init(
        layout: TreeLayout,
        verifier: TreeVerifier,
        pointer: Pointer,
        manifest: Manifest,
        pointerBytes: [UInt8]
    ) {
        self.layout = layout
        self.verifier = verifier
        self.pointer = pointer
        self.manifest = manifest
        self.pointerBytes = pointerBytes
    }

    /// Reads the tree.
    ///
    /// - Parameters:
    ///   - keys: the publisher's; without them it is not known whose tree this is, only that it fits together.
    ///   - roles: those whose keys are going to be used.
    /// - Throws: `REPOSITORY` if there is none, `POLICY` if the keys are not this tree's, and whatever is wrong with it.
    init(
        _ layout: TreeLayout,
        keys: KeyStore?,
        roles: [Role] = [.release, .freshness],
        now: Timestamp
    ) throws(RootcellarError) {
        self.layout = layout
        let path = layout.path(TreePath.pointer)
        guard Disk.exists(path) else {
            throw RootcellarError(
                .repository,
                "there is no published tree",
                subject: layout.top.string,
                hint: "make one with 'rootcellar repo init'"
            )
        }
        pointerBytes = try Disk.read(path, limit: SignedFile.Kind.pointer.limit)
        let root = try Self.rootInForce(layout, pointer: pointerBytes, keys: keys, roles: roles)
        verifier = try TreeVerifier(root: root, now: now)
        _ = try verifier.payload(
            of: Disk.read(layout.path(TreePath.root(root.version)), limit: SignedFile.Kind.root.limit),
            kind: .root,
            subject: TreePath.root(root.version)
        )
        pointer = try Pointer(
            verified: verifier.payload(of: pointerBytes, kind: .pointer, subject: TreePath.pointer),
            subject: TreePath.pointer
        )
        let subject = TreePath.manifest(pointer.manifest.version)
        let bytes = try Disk.read(layout.path(subject), limit: SignedFile.Kind.manifest.limit)
        try pointer.manifest.file.check(bytes, subject: subject)
        manifest = try Manifest(
            verified: verifier.payload(of: bytes, kind: .manifest, subject: subject),
            subject: subject
        )
        guard manifest.version == pointer.manifest.version, pointer.server == root.server,
            manifest.server == root.server
        else { throw RootcellarError(.binding, "the documents of the tree do not fit together", subject: subject) }
    }

    /// One shard, checked against the manifest; nil if the distribution has none yet.
    func shard(_ distribution: String) throws(RootcellarError) -> IndexShard? {
        guard let reference = manifest.indexes[distribution] else { return nil }
        return try Self.shard(distribution, reference, server: root.server, layout: layout)
    }

    static func shard(
        _ distribution: String,
        _ reference: FileReference,
        server: String,
        layout: TreeLayout
    ) throws(RootcellarError) -> IndexShard {
        let subject = TreePath.index(reference.sha256)
        let bytes = try Disk.read(layout.path(subject), limit: max(reference.size, 0))
        try reference.check(bytes, subject: subject)
        let shard = try IndexShard(verified: bytes, subject: subject)
        guard shard.server == server, shard.distribution == distribution else {
            throw RootcellarError(.binding, "the index is another distribution's or server's", subject: subject)
        }
        return shard
    }

    /// The root document in force. The publisher knows it by its own keys; walking up from a pinned key is for clients.
    private static func rootInForce(
        _ layout: TreeLayout,
        pointer: [UInt8],
        keys: KeyStore?,
        roles: [Role]
    ) throws(RootcellarError) -> RootDocument {
        let version = try layout.rootInForce(journal: Journal.read(layout), pointer: pointer)
        let subject = TreePath.root(version)
        let file = try SignedFile(
            reading: Disk.read(layout.path(subject), limit: SignedFile.Kind.root.limit),
            kind: .root,
            subject: subject
        )
        let root = try RootDocument(verified: file.payload, subject: subject)
        guard let keys else { return root }
        for role in roles where try keys.signers(role, in: root).isEmpty {
            throw RootcellarError(
                .policy,
                "the keys in \(keys.directory) are not those of this tree (role '\(role.rawValue)')",
                subject: layout.top.string,
                hint: "give the key directory that the tree was made with"
            )
        }
        return root
    }
}

extension TreeLayout {
    /// The version of the root document in force: the newest, unless a publication was about to put it in force and
    /// did not come to that.
    ///
    /// Only chooses: what is chosen has to be verified, and to verify the pointer.
    func rootInForce(journal: Journal?, pointer: [UInt8]) throws(RootcellarError) -> Int {
        let versions = try Disk.members(path(TreePath.root(1)).removingLastComponent()).compactMap {
            TreeLayout.number($0, ending: ".signed")
        }
        guard let newest = versions.max() else {
            throw RootcellarError(.repository, "the tree has no root document", subject: top.string)
        }
        guard newest > 1, let journal, journal.paths.contains(TreePath.root(newest)) else { return newest }
        let file = try SignedFile(reading: pointer, kind: .pointer, subject: TreePath.pointer)
        let named = try Pointer(verified: file.payload, subject: TreePath.pointer).root
        return named < newest ? newest - 1 : newest
    }
}
