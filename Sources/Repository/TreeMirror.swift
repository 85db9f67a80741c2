// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
package import SystemPackage

/// Keeps a tree that is another publisher's, with the same signatures, or with a part of it signed anew.
///
/// Everything is verified before anything of it shows, and comes into force as a publication does: builds, shards,
/// manifest, root documents, pointer, indexes for stock clients. What was transferred stays when a run is killed.
package struct TreeMirror {
    let source: any TreeSource
    let layout: TreeLayout
    let pin: ServerPin
    let now: Timestamp
    /// Told what is going on.
    package var narrate: (String) -> Void = { _ in }
    /// Makes the pages for people of what was copied, as they are derived and nobody signs them; nil for none.
    package var pages: (any TreePages)?
    /// Whether a tree of one's own calls builds tested that the other publisher calls so.
    package var acceptsTests = false
    /// Seconds to wait for another process at work on the tree.
    package var lockSeconds = 60
    /// Called when everything is verified and nothing of it shows yet.
    var beforeCommit: () throws(RootcellarError) -> Void = {}
    /// For tests: ends as if killed once this many builds were put in their places.
    var stopsAfter: Int?

    /// - Parameters:
    ///   - source: where it comes from.
    ///   - tree: the directory of the copy; made if it does not exist.
    ///   - fingerprint: a root key of its publisher.
    ///   - now: the clock to judge by.
    package init(source: any TreeSource, tree: FilePath, fingerprint: Fingerprint, now: Timestamp) {
        self.source = source
        layout = TreeLayout(top: tree)
        pin = ServerPin(fingerprints: [fingerprint], address: source.address)
        self.now = now
    }

    /// Copies all of it, as it is.
    ///
    /// - Throws: what a client throws for a tree that it does not believe; `REPOSITORY` if there is something else here.
    package func run() throws(RootcellarError) -> MirrorReport {
        try prepare()
        let lock = try TreeLock(layout, waiting: lockSeconds)
        defer { withExtendedLifetime(lock) {} }
        let download = try BuildDownload(source, layout)
        let state = try localState()
        let current = state?.manifest.version ?? 0
        try recover(download, current: current)

        var pin = pin
        pin.id = state?.server
        let upstream = try Upstream(source, pin: pin, state: state, now: now)
        for notice in upstream.found.notices { narrate(notice) }
        // What no signature covers is copied as it was written, or not at all.
        let pointerFile = try SignedFile(
            reading: upstream.found.pointerFile,
            kind: .pointer,
            subject: source.url(of: TreePath.pointer)
        )
        try requireTidy(pointerFile.signatures, subject: source.url(of: TreePath.pointer))
        let history = try history(upstream)
        guard let verifier = history.verifiers.last else { throw RootcellarError(.internal, "no root document") }
        let version = upstream.manifest.version
        // The root keys may have taken away a key that had run the numbers up: then clients begin anew, and so must this.
        guard version > current || upstream.found.pointer.manifest == state?.manifest else {
            throw RootcellarError(
                .rollback,
                "manifest \(version) is offered, \(current) is here",
                subject: source.address,
                hint: "its publisher has begun the numbers anew: make the copy anew in another directory"
            )
        }

        var files: [(path: String, bytes: [UInt8])] = []
        var shards: [IndexShard] = []
        var fresh: Set<String> = []
        for (distribution, reference) in upstream.manifest.indexes.sorted(by: { $0.key < $1.key }) {
            let path = TreePath.index(reference.sha256)
            let local = layout.path(path)
            let known = Disk.exists(local) ? try? Disk.read(local, limit: max(reference.size, 0)) : nil
            let (shard, bytes) = try upstream.shard(distribution, reference, known: known)
            shards.append(shard)
            if known != bytes {
                files.append((path, bytes))
                fresh.insert(distribution)
            }
        }
        let builds = try fetchBuilds(shards, fresh, history.verifiers, download)
        let derived = try MirroredIndexes(layout: layout, download: download, verifier: verifier)
            .stage(shards, upstream.manifest)

        let manifestBytes = try manifestFile(upstream)
        files.append((TreePath.manifest(version), manifestBytes))
        for (path, bytes) in history.contents where !Disk.exists(layout.path(path)) { files.append((path, bytes)) }
        let missing = files.filter { !Disk.exists(layout.path($0.path)) }
        try beforeCommit()
        if version > current {
            let indexes = [FlippedDirectory.legacy(layout), .streams(layout)].map { $0.relativePath(version) }
            try Journal(version: version, paths: builds + missing.map(\.path) + indexes).write(layout)
        }
        for (number, path) in builds.enumerated() {
            if number == stopsAfter { throw RootcellarError(.internal, "stopped after \(number) builds") }
            try layout.put(download.directory(path), at: path)
        }
        for file in missing { try layout.put(file.bytes, at: file.path) }
        try derived?.place()
        try layout.put(upstream.found.pointerFile, at: TreePath.pointer)
        try derived?.point()
        var report = MirrorReport(
            server: upstream.root.server,
            source: version,
            manifest: version,
            validUntil: upstream.found.pointer.validUntil,
            added: builds,
            transferred: download.transferred + files.reduce(0) { $0 + $1.bytes.count }
        )
        report.removed = try prune(upstream, history, verifier)
        try Journal.recover(layout, current: version)
        try download.sweep(keeping: [])
        let published = PublishedState(
            root: verifier.root,
            manifest: upstream.manifest,
            pointer: upstream.found.pointer
        )
        report.pagesFault = writePages(published)
        return report
    }

    /// What was copied stays, also where the pages of it cannot be written; the next run does it.
    private func writePages(_ state: PublishedState) -> String? {
        let files = LayoutFiles(layout: layout)
        guard let pages, files.arePages(of: state) != true else { return nil }
        do throws(RootcellarError) {
            try pages.update(state, files: files)
            return nil
        } catch { return error.description }
    }

    // MARK: - What is here

    private func prepare() throws(RootcellarError) {
        try Disk.makeDirectory(layout.top)
        let members = Set(try Disk.members(layout.top))
        let ours = Set([TreeLayout.hidden, "images", "rootcellar", "meta", "streams", "web"])
        guard members.allSatisfy({ ours.contains($0) || TreePath.Page.isOne($0) }) else {
            throw RootcellarError(
                .repository,
                "there is something else in the directory",
                subject: layout.top.string,
                hint: "give a new directory"
            )
        }
        try Disk.makeDirectory(layout.top.appending(TreeLayout.hidden))
        for directory in ["images", "rootcellar/root", "rootcellar/manifest", "rootcellar/index"] {
            try Disk.makeDirectories(directory, below: layout.top)
        }
    }

    /// What an earlier run has brought is what was seen; it was verified then.
    private func localState() throws(RootcellarError) -> ServerState? {
        guard Disk.exists(layout.path(TreePath.pointer)) else { return nil }
        let bytes = try Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit)
        let file = try SignedFile(reading: bytes, kind: .pointer, subject: TreePath.pointer)
        let pointer = try Pointer(verified: file.payload, subject: TreePath.pointer)
        let root = try Disk.read(layout.path(TreePath.root(pointer.root)), limit: SignedFile.Kind.root.limit)
        return ServerState(
            server: pointer.server,
            pins: pin.fingerprints,
            root: String(decoding: root, as: UTF8.self),
            pointer: String(decoding: bytes, as: UTF8.self),
            etag: nil,
            manifest: pointer.manifest,
            signedAt: pointer.signedAt
        )
    }

    /// Ends or takes back what a killed run had begun.
    private func recover(_ download: BuildDownload, current: Int) throws(RootcellarError) {
        if let journal = try Journal.read(layout) {
            if journal.version > current {
                try download.takeBack(journal)
            } else {
                for directory in [FlippedDirectory.legacy(layout), .streams(layout)]
                where Disk.isDirectory(layout.path(directory.relativePath(current))) {
                    try directory.point(to: current)
                }
            }
        }
        try Journal.recover(layout, current: current)
    }

    /// All root documents, those that are here already from here.
    private func history(_ upstream: Upstream) throws(RootcellarError) -> RootHistory {
        let history = try RootHistory(newest: upstream.root.version, fingerprint: pin.fingerprints[0], now: now) {
            path,
            limit throws(RootcellarError) in
            let local = layout.path(path)
            if Disk.exists(local) { return try Disk.read(local, limit: limit) }
            guard case .found(let bytes, _) = try source.get(path, limit: limit, exactSize: nil, etag: nil) else {
                throw RootcellarError(.transport, "a root document is not there", subject: source.url(of: path))
            }
            return bytes
        }
        guard history.contents[TreePath.root(upstream.root.version)] == upstream.found.link.file else {
            throw RootcellarError(
                .binding,
                "two different root documents have the version \(upstream.root.version)",
                subject: source.address
            )
        }
        return history
    }

    private func manifestFile(_ upstream: Upstream) throws(RootcellarError) -> [UInt8] {
        let reference = upstream.found.pointer.manifest
        let path = TreePath.manifest(reference.version)
        let local = layout.path(path)
        if Disk.exists(local), let bytes = try? Disk.read(local, limit: SignedFile.Kind.manifest.limit),
            (try? reference.file.check(bytes, subject: path)) != nil
        {
            return bytes
        }
        return try source.file(path, reference.file)
    }

    // MARK: - What comes

    private func fetchBuilds(
        _ shards: [IndexShard],
        _ fresh: Set<String>,
        _ verifiers: [TreeVerifier],
        _ download: BuildDownload
    ) throws(RootcellarError) -> [String] {
        var wanted: [(path: String, name: ImageName, build: IndexShard.Build)] = []
        for shard in shards {
            for (name, builds) in try shard.catalogue(subject: shard.distribution) {
                for build in builds {
                    let path = TreePath.build(name, build.serial)
                    guard Disk.exists(layout.path(path)) else {
                        wanted.append((path, name, build))
                        continue
                    }
                    // What an index names that was here before was compared when it came.
                    guard fresh.contains(shard.distribution) else { continue }
                    let subject = "\(path)/\(ImageDocument.fileName)"
                    let bytes = try Disk.read(layout.path(subject), limit: ImageDocument.limit)
                    try build.image.check(bytes, subject: layout.path(subject).string)
                }
            }
        }
        try download.sweep(keeping: wanted.map(\.path))
        for (number, (_, name, build)) in wanted.enumerated() {
            narrate("\(number + 1) of \(wanted.count): \(name) \(build.serial)")
            try download.fetch(name, build, verifiers: verifiers, isWhole: true)
        }
        return wanted.map(\.path)
    }

    /// Takes away what the publisher has dropped, as long after that as the publisher would.
    private func prune(
        _ upstream: Upstream,
        _ history: RootHistory,
        _ verifier: TreeVerifier
    ) throws(RootcellarError) -> [String] {
        let tree = CurrentTree(
            layout: layout,
            verifier: verifier,
            pointer: upstream.found.pointer,
            manifest: upstream.manifest,
            pointerBytes: upstream.found.pointerFile
        )
        let grace = Garbage.grace(tree.pointer, Validity())
        let garbage = try Garbage(of: tree, verifiers: history.verifiers, grace: grace, now: now)
        guard !garbage.paths.isEmpty else { return [] }
        try Journal.recover(layout, current: tree.manifest.version)
        var journal = Journal(version: tree.manifest.version, paths: [])
        journal.removals = garbage.paths
        try journal.write(layout)
        return garbage.paths
    }
}
