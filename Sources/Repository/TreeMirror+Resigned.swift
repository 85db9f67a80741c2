// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

extension TreeMirror {
    /// Copies what a filter accepts into a tree of one's own, signed by one's own keys: builds that are newer than what is
    /// there, oldest first. What the other publisher took back is taken back here, too.
    ///
    /// - Throws: as `run` and `Publisher.publish` do.
    package func run(
        _ filter: MirrorFilter,
        publishing publisher: Publisher
    ) throws(RootcellarError) -> MirrorReport {
        let local = try publisher.locked(roles: []) { tree throws(RootcellarError) in tree }
        let download = try BuildDownload(source, layout)
        let lock = try claim()
        defer { try? lock.close() }
        let statePath = layout.top.appending(TreeLayout.hidden).appending("mirror/state.json")
        var state: ServerState?
        if Disk.exists(statePath) {
            state = try ServerState(verified: Disk.read(statePath, limit: 1 << 20), subject: statePath.string)
        }
        guard state.map({ $0.pins == self.pin.fingerprints }) ?? true else {
            throw RootcellarError(
                .policy,
                "this tree mirrors another publisher",
                subject: layout.top.string,
                hint: "give each a tree of its own"
            )
        }
        var pin = pin
        pin.id = state?.server
        let upstream = try Upstream(source, pin: pin, state: state, now: now)
        for notice in upstream.found.notices { narrate(notice) }
        let revoked = Set(upstream.manifest.revoked.map(\.image))
        var rounds: [[(name: ImageName, build: IndexShard.Build)]] = []
        var takenBack: [(ImageName, Serial, String)] = []
        for (distribution, reference) in upstream.manifest.indexes.sorted(by: { $0.key < $1.key })
        where filter.accepts(distribution: distribution) {
            let (shard, _) = try upstream.shard(distribution, reference)
            let here = try local.shard(distribution)
            for (name, builds) in try shard.catalogue(subject: distribution) where filter.accepts(name) {
                let known = here.flatMap { shard in shard.position(of: name).map { shard.images[$0].builds } } ?? []
                var good = builds.filter { !revoked.contains($0.image.sha256) }
                if let count = filter.serials { good = good.suffix(count) }
                if let newest = known.last?.serial { good.removeAll { $0.serial <= newest } }
                if !publisher.allowsTaints { good = try untainted(good, of: name, download) }
                for (round, build) in good.enumerated() {
                    if rounds.count == round { rounds.append([]) }
                    rounds[round].append((name, build))
                }
                for build in builds where revoked.contains(build.image.sha256) {
                    guard let mine = known.first(where: { $0.serial == build.serial }),
                        !local.manifest.revoked.contains(where: { $0.image == mine.image.sha256 })
                    else { continue }
                    let reason = upstream.manifest.revoked.first { $0.image == build.image.sha256 }?.reason ?? ""
                    takenBack.append((name, build.serial, reason))
                }
            }
        }
        try download.sweep(keeping: rounds.joined().map { TreePath.build($0.name, $0.build.serial) })
        var report = MirrorReport(
            server: upstream.root.server,
            source: upstream.manifest.version,
            manifest: local.manifest.version,
            validUntil: local.pointer.validUntil
        )
        for round in rounds {
            var directories: [FilePath] = []
            var publisher = publisher
            for (name, build) in round {
                narrate("\(name) \(build.serial)")
                try download.fetch(name, build, verifiers: [], isWhole: false)
                let directory = download.directory(TreePath.build(name, build.serial))
                directories.append(directory)
                if acceptsTests, build.tested { publisher.acceptedTests.insert(directory) }
            }
            let published = try publisher.publish(images: directories, untested: true)
            report.manifest = published.manifest
            report.validUntil = published.validUntil
            report.added += round.map { TreePath.build($0.name, $0.build.serial) }
            for directory in directories { try Disk.remove(directory) }
        }
        for (name, serial, reason) in takenBack {
            let published = try publisher.revoke(name, serial, reason: reason)
            report.manifest = published.manifest
            report.validUntil = published.validUntil
            report.removed.append(TreePath.build(name, serial))
        }
        report.transferred = download.transferred
        // Last: until everything is here, the next run may be shown the same once more.
        try Disk.write(
            try upstream.state(after: state, pin: pin).canonicalBytes(),
            to: FilePath(statePath.string + ".new")
        )
        try Disk.rename(FilePath(statePath.string + ".new"), to: statePath)
        return report
    }

    /// The builds that somebody can vouch for. The other publisher's word is not this one's.
    private func untainted(
        _ builds: [IndexShard.Build],
        of name: ImageName,
        _ download: BuildDownload
    ) throws(RootcellarError) -> [IndexShard.Build] {
        var kept: [IndexShard.Build] = []
        for build in builds {
            let (document, _) = try download.document(name, build)
            if let taint = document.taints.first {
                narrate("left out: \(name) \(build.serial) is tainted (\(taint))")
            } else {
                kept.append(build)
            }
        }
        return kept
    }

    /// One run at a time; publishers are not kept waiting by it.
    private func claim() throws(RootcellarError) -> FileDescriptor {
        let path = layout.top.appending(TreeLayout.hidden).appending("mirror")
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
            guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                try? file.close()
                throw Errno.resourceTemporarilyUnavailable
            }
            return file
        } catch {
            throw RootcellarError(
                .repository,
                "another run mirrors into this tree (\(error))",
                subject: layout.top.string,
                hint: "try again when it has ended"
            )
        }
    }
}
