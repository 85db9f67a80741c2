// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// One publication under the lock.
struct Publication {
    let layout: TreeLayout
    let keys: KeyStore
    let tree: CurrentTree
    let home: KeyHome
    let stopsAfter: Publisher.Step?
    let signer: DocumentSigner
    let now: Timestamp
    /// What else is to be different, beside new builds.
    var changes = Changes()

    /// Changes of the documents themselves.
    struct Changes {
        /// The next root document.
        var root: RootDocument?
        /// What the manifest shall say from now on.
        var manifest: (inout Manifest) -> Void = { _ in }
        /// Distributions whose lines in the indexes for stock clients change, though their shards do not.
        var distributions: Set<String> = []
    }

    private var root: RootDocument { changes.root ?? tree.root }
    private var version: Int { tree.manifest.version + 1 }
    /// Never before what is published: clients refuse time that runs backwards.
    private var signedAt: Timestamp { max(now, tree.manifest.signedAt, tree.pointer.signedAt) }

    /// Makes the indexes for stock clients anew if a killed publisher left them behind the pointer.
    func restoreIndexes() throws(RootcellarError) {
        let indexes = LegacyIndexes(layout: layout)
        try indexes.sweep()
        guard indexes.version != tree.manifest.version else { return }
        let staged = try indexes.stage(indexes.index(of: tree), home: home, key: releaseKey(tree.root))
        try indexes.flip(to: staged, version: tree.manifest.version)
    }

    /// - Throws: see `Publisher.publish`.
    func run(_ sources: [ImageSource]) throws(RootcellarError) -> PublishReport {
        let verifier = try changes.root.map { root throws(RootcellarError) in try TreeVerifier(root: root, now: now) }
        let shards = try newShards(sources)
        var images: [PublishReport.Image] = []
        for (number, source) in sources.enumerated() {
            images.append(try stage(source, as: "\(number)"))
        }
        try reached(.copied)

        var manifest = tree.manifest
        var files: [(staged: FilePath, path: String)] = []
        for shard in shards {
            let bytes = try shard.canonicalBytes()
            guard bytes.count <= Self.shardLimit else {
                throw RootcellarError(
                    .repository,
                    "the index of \(shard.distribution) would have more than \(Self.shardLimit) bytes",
                    subject: layout.top.string,
                    hint: "prune old builds first"
                )
            }
            let reference = FileReference(of: bytes)
            manifest.indexes[shard.distribution] = reference
            files.append(try stage(bytes, TreePath.index(reference.sha256)))
        }
        changes.manifest(&manifest)
        manifest.version = version
        manifest.signedAt = signedAt
        manifest.validUntil = try signer.validity.end(of: .manifest, signedAt: signedAt)
        let manifestBytes = try signer.sign(
            manifest,
            after: tree.manifest.version,
            verifier: verifier ?? tree.verifier
        )
        let manifestFile = try stage(manifestBytes, TreePath.manifest(version))
        let pointer = Pointer(
            server: tree.root.server,
            root: root.version,
            manifest: Pointer.Manifest(version: version, file: FileReference(of: manifestBytes)),
            signedAt: signedAt,
            validUntil: try signer.validity.end(of: .pointer, signedAt: signedAt)
        )
        let pointerBytes = try signer.sign(
            pointer,
            after: tree.manifest.version,
            verifier: verifier ?? tree.verifier
        )
        let pointerFile = try stage(pointerBytes, TreePath.pointer)
        let indexes = LegacyIndexes(layout: layout)
        let legacy = try indexes.stage(newIndex(shards, manifest), home: home, key: releaseKey(root))
        let rootFiles = try newRootFiles()
        try reached(.signed)

        let builds = sources.map { TreePath.build($0.name, $0.document.serial) }
        let fresh = ((files + rootFiles).map(\.path) + [manifestFile.path]).filter { !Disk.exists(layout.path($0)) }
        try Journal(version: version, paths: builds + fresh + [LegacyIndexes.relativePath(version)]).write(layout)
        try reached(.journalled)

        for (number, build) in builds.enumerated() { try commit(layout.staging.appending("\(number)"), build) }
        try reached(.builds)
        for file in files { try commit(file.staged, file.path) }
        try reached(.shards)
        try commit(manifestFile.staged, manifestFile.path)
        for file in rootFiles { try commit(file.staged, file.path) }
        try reached(.manifest)
        guard try Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit) == tree.pointerBytes
        else {
            throw RootcellarError(
                .repository,
                "the pointer was changed by somebody who does not respect the lock",
                subject: layout.path(TreePath.pointer).string,
                hint: "publish again"
            )
        }
        try commit(pointerFile.staged, pointerFile.path)
        try reached(.pointer)
        try indexes.flip(to: legacy, version: version)
        try reached(.indexes)
        try Journal.recover(layout, current: version)
        return PublishReport(manifest: version, validUntil: pointer.validUntil, images: images)
    }

    /// Signs a new pointer to the manifest in force. One file is replaced, so there is nothing to write a journal for.
    func renewPointer() throws(RootcellarError) -> PublishReport {
        var pointer = tree.pointer
        pointer.signedAt = signedAt
        pointer.validUntil = try signer.validity.end(of: .pointer, signedAt: signedAt)
        let bytes = try signer.sign(pointer, after: tree.manifest.version, verifier: tree.verifier)
        let file = try stage(bytes, TreePath.pointer)
        try commit(file.staged, file.path)
        return PublishReport(
            manifest: pointer.manifest.version,
            validUntil: min(pointer.validUntil, tree.manifest.validUntil, tree.root.expires),
            images: []
        )
    }

    private static let shardLimit = 16 << 20

    private func reached(_ step: Publisher.Step) throws(RootcellarError) {
        if step == stopsAfter { throw RootcellarError(.internal, "stopped after \(step)") }
    }

    /// The shards of the distributions concerned, with the new builds in them.
    private func newShards(_ sources: [ImageSource]) throws(RootcellarError) -> [IndexShard] {
        var shards: [String: IndexShard] = [:]
        for source in sources {
            let distribution = source.name.distribution
            let known: IndexShard?
            if let shard = shards[distribution] { known = shard } else { known = try tree.shard(distribution) }
            var shard = known ?? IndexShard(server: tree.root.server, distribution: distribution, images: [])
            let build = IndexShard.Build(
                serial: source.document.serial,
                image: FileReference(of: source.bytes),
                tested: false
            )
            let at = shard.images.firstIndex {
                ($0.release, $0.architecture, $0.variant)
                    == (source.name.release, source.name.architecture, source.name.variant)
            }
            if let at {
                if let newest = shard.images[at].builds.last { try refuse(source, after: newest) }
                shard.images[at].builds.append(build)
            } else {
                shard.images.append(
                    IndexShard.Image(
                        release: source.name.release,
                        architecture: source.name.architecture,
                        variant: source.name.variant,
                        builds: [build]
                    )
                )
                shard.images.sort {
                    ($0.release, $0.architecture, $0.variant) < ($1.release, $1.architecture, $1.variant)
                }
            }
            shards[distribution] = shard
        }
        return shards.values.sorted { $0.distribution < $1.distribution }
    }

    private func refuse(_ source: ImageSource, after newest: IndexShard.Build) throws(RootcellarError) {
        let subject = source.directory.string
        guard newest.serial < source.document.serial else {
            throw RootcellarError(
                .policy,
                "serial \(source.document.serial) is not newer than \(newest.serial), which is published",
                subject: subject,
                hint: "build it again"
            )
        }
        let path = TreePath.file(source.name, newest.serial, ImageDocument.fileName)
        let bytes = try Disk.read(layout.path(path), limit: max(newest.image.size, 0))
        try newest.image.check(bytes, subject: path)
        guard !source.isSame(as: try ImageDocument(verified: bytes, subject: path)) else {
            throw RootcellarError(
                .policy,
                "the build has the same content as \(newest.serial), which is published",
                subject: subject,
                hint: "there is nothing to do"
            )
        }
    }

    /// Copies a build into the staging directory and adds checksums and signatures.
    private func stage(_ source: ImageSource, as name: String) throws(RootcellarError) -> PublishReport.Image {
        let directory = layout.staging.appending(name)
        let bytes = try source.copy(to: directory)
        let image = FileReference(of: source.bytes)
        try Disk.write(
            ImageSource.checksums(source.document, image: image.sha256),
            to: directory.appending(ImageSource.checksums)
        )
        for file in ImageSource.signed {
            let open = try Disk.open(directory.appending(file))
            defer { try? open.close() }
            try Disk.write(
                home.sign(file: open, by: releaseKey(root)),
                to: directory.appending(file + ".asc")
            )
        }
        try Disk.syncDirectory(directory)
        return PublishReport.Image(
            name: source.name.path,
            serial: source.document.serial,
            image: image,
            files: source.document.files.count + 1,
            bytes: bytes
        )
    }

    private func stage(_ bytes: [UInt8], _ path: String) throws(RootcellarError) -> (staged: FilePath, path: String) {
        let file = layout.staging.appending(String(path.map { $0 == "/" ? "-" : $0 }))
        try Disk.write(bytes, to: file)
        return (file, path)
    }

    /// The next root document, signed by its own keys and by those of the one before, and the keys for first contact.
    private func newRootFiles() throws(RootcellarError) -> [(staged: FilePath, path: String)] {
        guard let next = changes.root else { return [] }
        return [
            try stage(TreeInitialiser.rootKeys(next), TreePath.rootKeys(next.version)),
            try stage(signer.sign(next, after: tree.verifier), TreePath.root(next.version)),
        ]
    }

    /// The key that signs what stock clients read: they know one.
    private func releaseKey(_ root: RootDocument) throws(RootcellarError) -> Fingerprint {
        let signers = try keys.signers(.release, in: root)
        return signers.first(where: home.canSign) ?? signers.first ?? keys.release
    }

    private func newIndex(_ shards: [IndexShard], _ manifest: Manifest) throws(RootcellarError) -> [UInt8] {
        let revoked = Set(manifest.revoked.map(\.image))
        var concerned = shards
        for distribution in changes.distributions where !shards.contains(where: { $0.distribution == distribution }) {
            if let shard = try tree.shard(distribution) { concerned.append(shard) }
        }
        var newest: [(name: ImageName, serial: Serial)] = []
        for shard in concerned {
            newest += try LegacyIndex.newest(shard, revoked: revoked, subject: shard.distribution)
        }
        let old = try LegacyIndexes(layout: layout).index(of: tree)
        return LegacyIndex(old, replacing: Set(concerned.map(\.distribution)), by: newest).bytes
    }

    /// Puts something staged in its place. What a killed publisher left there under the same name is moved out first.
    private func commit(_ staged: FilePath, _ path: String) throws(RootcellarError) {
        let target = layout.path(path)
        if let end = path.lastIndex(of: "/") { try Disk.makeDirectories(String(path[..<end]), below: layout.top) }
        if Disk.isDirectory(target) {
            try Disk.rename(target, to: layout.staging.appending("old-\(staged.stem ?? "")"))
        }
        try Disk.rename(staged, to: target)
    }
}
