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
    /// Bytes of catalogue for LXD and Incus in one file.
    let partSize: Int
    /// Where the tree is if `layout` is a working copy.
    var remote: RemoteTree?
    /// Makes the pages for people.
    var pages: (any TreePages)?
    /// What else is to be different, beside new builds.
    var changes = Changes()

    /// Changes of the documents themselves.
    struct Changes {
        /// The next root document.
        var root: RootDocument?
        /// The same as a file, if it was signed elsewhere.
        var rootFile: [UInt8]?
        /// What the manifest shall say from now on.
        var manifest: (inout Manifest) -> Void = { _ in }
        /// Shards that are to take the place of what they were.
        var shards: [IndexShard] = []
        /// Distributions whose lines in the indexes for stock clients change, though their shards do not.
        var distributions: Set<String> = []
    }

    private var root: RootDocument { changes.root ?? tree.root }
    private var version: Int { tree.manifest.version + 1 }
    /// Never before what is published: clients refuse time that runs backwards.
    private var signedAt: Timestamp { max(now, tree.manifest.signedAt, tree.pointer.signedAt) }

    /// Makes the indexes for stock clients anew if a killed publisher left them behind the pointer.
    func restoreIndexes() throws(RootcellarError) {
        let indexes = DerivedIndexes(layout: layout, home: home, key: try releaseKey(tree.root))
        try indexes.sweep()
        guard !indexes.areOf(tree.manifest.version) else { return try putStaleIndexes() }
        let legacy = try LegacyIndexes(layout: layout).index(of: tree)
        let streams = try Streams(layout: layout).catalogue(of: tree)
        let files = StreamsFiles(streams, updated: tree.manifest.signedAt, partSize: partSize)
        try indexes.flip(to: indexes.stage(legacy, files, tree.manifest))
        try putStaleIndexes()
    }

    private func putStaleIndexes() throws(RootcellarError) {
        if let remote, remote.hasStaleIndexes, remote.claim != nil { try remote.putIndexes(tree.manifest.version) }
    }

    /// Makes the pages anew if a killed publisher left those of before.
    func restorePages() {
        let state = PublishedState(root: tree.root, manifest: tree.manifest, pointer: tree.pointer)
        guard pages != nil, LayoutFiles(layout: layout).arePages(of: state) != true else { return }
        // What does not work now is told by the publication that comes.
        _ = writePages(state)
    }

    /// - Throws: see `Publisher.publish`.
    ///
    /// - Parameter additions: files that each of `sources` is to have beside its own.
    func run(
        _ sources: [ImageSource],
        adding additions: [[String: Deltas.Addition]] = []
    ) throws(RootcellarError) -> PublishReport {
        let verifier = try changes.root.map { root throws(RootcellarError) in try TreeVerifier(root: root, now: now) }
        for source in sources { try tree.refuse(source) }
        var staged: [StagedBuild] = []
        for (number, source) in sources.enumerated() {
            let added = number < additions.count ? additions[number] : [:]
            staged.append(try StagedBuild(source, adding: added, in: layout.staging.appending("\(number)")))
        }
        try refuseTwice(staged)
        let search = StreamsSearch(StreamsInForce(Streams(layout: layout), of: tree), for: fingerprints(staged))
        for build in staged {
            try signer.audit("build \(build.path) sha256 \(build.image.sha256)", by: releaseKey(root))
            try build.sign(home, by: releaseKey(root))
        }
        let shards = try newShards(staged)
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
        let concerned = try concerned(shards)
        let streamsFiles = try newStreams(search, staged, concerned, manifest)
        manifest.streams = FileReference(of: streamsFiles.index(isSigned: false))
        var named: [SHA256Digest: FilePath] = [:]
        for (shard, file) in zip(shards, files) {
            if let reference = manifest.indexes[shard.distribution] { named[reference.sha256] = file.staged }
        }
        let manifestBytes = try signer.sign(
            manifest,
            after: tree.manifest.version,
            verifier: verifier ?? tree.verifier,
            naming: named
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
        let indexes = DerivedIndexes(layout: layout, home: home, key: try releaseKey(root))
        try signer.audit("indexes of manifest \(version) of '\(root.server)'", by: indexes.key)
        let derived = try indexes.stage(newIndex(concerned, manifest), streamsFiles, manifest)
        let rootFiles = try newRootFiles()
        try reached(.signed)

        let fresh = ((files + rootFiles).map(\.path) + [manifestFile.path]).filter { !Disk.exists(layout.path($0)) }
        let builds = staged.map(\.path)
        try Journal(version: version, paths: builds + fresh + indexes.paths(version)).write(layout)
        try remote?.announce(
            version: version,
            manifest: pointer.manifest.file.sha256,
            paths: builds + fresh
        )
        try reached(.journalled)

        for build in staged { try commit(build.directory, build.path) }
        try reached(.builds)
        for file in files { try commit(file.staged, file.path) }
        try reached(.shards)
        try commit(manifestFile.staged, manifestFile.path)
        for file in rootFiles { try commit(file.staged, file.path) }
        try reached(.manifest)
        if let remote {
            try remote.put(builds)
            try remote.put(files.map(\.path))
            try remote.putManifest(manifestFile.path)
            try remote.put(rootFiles.map(\.path))
        }
        guard try Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit) == tree.pointerBytes
        else { throw Self.overtaken(layout) }
        if let remote {
            try remote.putPointer(pointerBytes)
            remote.hasStaleIndexes = true
        }
        try commit(pointerFile.staged, pointerFile.path)
        try record()
        try reached(.pointer)
        try indexes.flip(to: derived)
        try remote?.putIndexes(version)
        try reached(.indexes)
        try Journal.recover(layout, current: version)
        var report = PublishReport(manifest: version, validUntil: pointer.validUntil, images: staged.map(\.report))
        report.pagesFault = writePages(PublishedState(root: root, manifest: manifest, pointer: pointer))
        remote?.slim(builds)
        return report
    }

    /// What is published stays published, also where the pages of it cannot be written; the next publication does it.
    private func writePages(_ state: PublishedState) -> String? {
        guard let pages else { return nil }
        do throws(RootcellarError) {
            if let remote {
                try pages.update(state, files: RemoteFiles(remote))
            } else {
                try pages.update(state, files: LayoutFiles(layout: layout))
            }
            return nil
        } catch { return error.description }
    }

    /// Writes down beside the keys what they have published.
    private func record() throws(RootcellarError) {
        let (manifest, number) = (version, root.version)
        let hash = try changes.root.map { next throws(RootcellarError) in
            SHA256Digest(hashing: try next.canonicalBytes())
        }
        try keys.record(root.server) {
            $0.manifest = manifest
            if number >= $0.root, let hash { ($0.root, $0.rootHash) = (number, hash) }
        }
    }

    /// Signs a new pointer to the manifest in force. One file is replaced, so there is nothing to write a journal for.
    ///
    /// - Parameter isFence: whether the pointer must be another one than before, also within a second.
    func renewPointer(isFence: Bool = false) throws(RootcellarError) -> PublishReport {
        var pointer = tree.pointer
        pointer.signedAt = isFence ? max(signedAt, tree.pointer.signedAt.adding(seconds: 1)) : signedAt
        pointer.validUntil = try signer.validity.end(of: .pointer, signedAt: pointer.signedAt)
        let bytes = try signer.sign(pointer, after: tree.manifest.version, verifier: tree.verifier)
        let file = try stage(bytes, TreePath.pointer)
        try remote?.putPointer(bytes)
        try commit(file.staged, file.path)
        if isFence {
            return PublishReport(manifest: pointer.manifest.version, validUntil: pointer.validUntil, images: [])
        }
        var report = PublishReport(
            manifest: pointer.manifest.version,
            validUntil: min(pointer.validUntil, tree.manifest.validUntil, tree.root.expires),
            images: []
        )
        report.pagesFault = writePages(PublishedState(root: tree.root, manifest: tree.manifest, pointer: pointer))
        return report
    }

    private static let shardLimit = 16 << 20

    /// What is thrown where the pointer is not the one that was read.
    static func overtaken(_ layout: TreeLayout) -> RootcellarError {
        RootcellarError(
            .repository,
            "the pointer was changed by somebody who does not respect the lock",
            subject: layout.path(TreePath.pointer).string,
            hint: "publish again"
        )
    }

    private func reached(_ step: Publisher.Step) throws(RootcellarError) {
        if step == stopsAfter { throw RootcellarError(.internal, "stopped after \(step)") }
    }

    /// The shards of the distributions concerned, with the new builds in them.
    private func newShards(_ staged: [StagedBuild]) throws(RootcellarError) -> [IndexShard] {
        var shards = Dictionary(uniqueKeysWithValues: changes.shards.map { ($0.distribution, $0) })
        for source in staged {
            let distribution = source.name.distribution
            let known: IndexShard?
            if let shard = shards[distribution] { known = shard } else { known = try tree.shard(distribution) }
            var shard = known ?? IndexShard(server: tree.root.server, distribution: distribution, images: [])
            let build = IndexShard.Build(
                serial: source.document.serial,
                image: source.image,
                tested: source.isTested,
                published: signedAt
            )
            if let at = shard.position(of: source.name) {
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

    /// The catalogue for LXD and Incus.
    ///
    /// - Throws: `POLICY` if an image is in it already.
    private func newStreams(
        _ search: StreamsSearch,
        _ staged: [StagedBuild],
        _ concerned: [IndexShard],
        _ manifest: Manifest
    ) throws(RootcellarError) -> StreamsFiles {
        let document = { (name: ImageName, build: IndexShard.Build) throws(RootcellarError) -> ImageDocument in
            if let new = staged.first(where: { $0.image == build.image }) { return new.document }
            return try Streams.document(name, build, layout)
        }
        let (catalogue, found) = search.result()
        if let found { throw known(found, staged) }
        if let catalogue {
            let files = try Streams.next(
                after: catalogue,
                of: tree,
                concerned,
                manifest,
                updated: signedAt,
                partSize: partSize,
                document
            )
            if let files { return files }
        }
        // There is none, or what is there is damaged.
        let old = try Streams(layout: layout).catalogue(of: tree)
        if let found = fingerprints(staged).first(where: old.contains) { throw known(found, staged) }
        let new = try Streams.updated(old, concerned, manifest, document)
        return StreamsFiles(new, updated: signedAt, partSize: partSize)
    }

    private func fingerprints(_ staged: [StagedBuild]) -> [SHA256Digest] {
        staged.flatMap { Set(($0.document.fingerprints ?? [:]).values) }
    }

    /// One image may stand in the catalogue for LXD and Incus only once, or nobody can fetch it at all.
    private func refuseTwice(_ staged: [StagedBuild]) throws(RootcellarError) {
        var seen: Set<SHA256Digest> = []
        for fingerprint in fingerprints(staged) where !seen.insert(fingerprint).inserted {
            throw known(fingerprint, staged)
        }
    }

    private func known(_ fingerprint: SHA256Digest, _ staged: [StagedBuild]) -> RootcellarError {
        RootcellarError(
            .policy,
            "the same image for LXD and Incus is published already (\(fingerprint))",
            subject: staged.last { $0.document.fingerprints?.values.contains(fingerprint) == true }?.name.path ?? "",
            hint: "there is nothing to do"
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
        let file: [UInt8]
        if let given = changes.rootFile { file = given } else { file = try signer.sign(next, after: tree.verifier) }
        return [
            try stage(TreeInitialiser.rootKeys(next), TreePath.rootKeys(next.version)),
            try stage(file, TreePath.root(next.version)),
        ]
    }

    /// The key that signs what stock clients read: they know one.
    private func releaseKey(_ root: RootDocument) throws(RootcellarError) -> Fingerprint {
        let signers = try keys.signers(.release, in: root)
        if let key = signers.first(where: home.canSign) ?? signers.first { return key }
        try keys.require([.release])
        return keys.release
    }

    /// The shards whose images are listed anew.
    private func concerned(_ shards: [IndexShard]) throws(RootcellarError) -> [IndexShard] {
        var concerned = shards
        for distribution in changes.distributions where !shards.contains(where: { $0.distribution == distribution }) {
            if let shard = try tree.shard(distribution) { concerned.append(shard) }
        }
        return concerned
    }

    private func newIndex(_ concerned: [IndexShard], _ manifest: Manifest) throws(RootcellarError) -> [UInt8] {
        let revoked = Set(manifest.revoked.map(\.image))
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
