// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
import SystemPackage

/// Retention. Builds leave in two steps: first a new catalogue does without them, and long after that, when no reader can
/// be on the way to them any more, their files go.
extension Publisher {
    /// Drops outdated builds from the catalogue, and removes what was dropped long ago.
    ///
    /// Never goes: the newest build of an image, and the newest that was not taken back. Where nothing is outdated no
    /// manifest is made.
    ///
    /// - Parameters:
    ///   - images: whose builds may go; of all images without.
    ///   - dryRun: only says what would happen.
    /// - Throws: `REPOSITORY` if the catalogue is empty or broken: then nothing is removed; as `publish` otherwise.
    package func prune(
        _ retention: Retention,
        images: Set<ImageName>? = nil,
        dryRun: Bool = false
    ) throws(RootcellarError) -> PruneReport {
        if dryRun {
            return try locked(roles: [], reading: Self.broken, history: true) { tree throws(RootcellarError) in
                let (report, _) = try outdated(retention, images, tree, dryRun: true)
                return try adding(try garbage(tree), to: report)
            }
        }
        return try work(roles: [.release, .freshness], reading: Self.broken, history: true) {
            tree,
            home throws(RootcellarError) in
            var publication = publication(tree, home, keys)
            let (found, shards) = try outdated(retention, images, tree, dryRun: false)
            // Before anything changes: it proves the rest of the catalogue, too.
            let garbage = try garbage(tree)
            var report = found
            try publication.restoreIndexes()
            var current = tree
            if !shards.isEmpty {
                publication.changes.shards = shards
                report.manifest = try publication.run([]).manifest
                current = try CurrentTree(layout, keys: keys, now: now)
            }
            try remove(garbage.paths, current)
            return try adding(garbage, to: report)
        }
    }

    private static func broken(_ error: RootcellarError) -> RootcellarError {
        switch error.errorClass {
        case .signature, .hash, .size, .binding, .repository:
            RootcellarError(
                .repository,
                "the catalogue is broken, nothing was removed (\(error.reason))",
                subject: error.subject,
                hint: "'rootcellar repo check' names what is wrong"
            )
        default: error
        }
    }

    /// What is outdated, and the shards without it.
    private func outdated(
        _ retention: Retention,
        _ wanted: Set<ImageName>?,
        _ tree: CurrentTree,
        dryRun: Bool
    ) throws(RootcellarError) -> (PruneReport, [IndexShard]) {
        var report = PruneReport(dryRun: dryRun, manifest: tree.manifest.version)
        var shards: [IndexShard] = []
        var images = 0
        let revoked = Set(tree.manifest.revoked.map(\.image))
        for distribution in tree.manifest.indexes.keys.sorted() {
            let found: IndexShard?
            let catalogue: [(name: ImageName, builds: [IndexShard.Build])]
            do throws(RootcellarError) {
                found = try tree.shard(distribution)
                catalogue = try found?.catalogue(subject: distribution) ?? []
            } catch { throw Self.broken(error) }
            guard var shard = found else { continue }
            images += catalogue.count
            var isChanged = false
            for (at, (name, builds)) in catalogue.enumerated() where wanted?.contains(name) ?? true {
                let channels = shard.images[at].channels ?? []
                let gone = retention.outdated(builds, channels: channels, revoked: revoked, now: now)
                if gone.isEmpty { continue }
                isChanged = true
                shard.images[at].builds.removeAll { gone.contains($0) }
                shard.images[at].dropLostSteps()
                for build in gone {
                    let bytes = try layout.size(TreePath.build(name, build.serial))
                    report.dropped.append(PruneReport.Build(name: name.path, serial: build.serial, bytes: bytes))
                    report.droppedBytes += bytes
                }
            }
            if isChanged { shards.append(shard) }
        }
        guard images > 0 else {
            throw RootcellarError(
                .repository,
                "the catalogue is empty, nothing was removed",
                subject: layout.top.string,
                hint: "publish something first"
            )
        }
        if !report.dropped.isEmpty {
            report.removableFrom = now.adding(seconds: Garbage.grace(tree.pointer, validity) + 1)
        }
        return (report, shards)
    }

    private func garbage(_ tree: CurrentTree) throws(RootcellarError) -> Garbage {
        do throws(RootcellarError) {
            let pinned = try tree.root.keys(of: .root).fingerprints[0]
            let chain = try RootHistory(layout, TreeSnapshot(locked: layout), fingerprint: pinned, now: now)
            let grace = Garbage.grace(tree.pointer, validity)
            return try Garbage(of: tree, verifiers: chain.verifiers, grace: grace, now: now)
        } catch { throw Self.broken(error) }
    }

    private func adding(_ garbage: Garbage, to report: PruneReport) throws(RootcellarError) -> PruneReport {
        var report = report
        report.removed = garbage.paths
        report.removedBytes = garbage.bytes
        return report
    }

    /// Removes what nobody asks for, by a journal, so that the next publisher ends what a killed one began.
    private func remove(_ paths: [String], _ tree: CurrentTree) throws(RootcellarError) {
        if paths.isEmpty { return }
        try publicationIsCurrent(tree)
        var journal = Journal(version: tree.manifest.version, paths: [])
        journal.removals = paths
        // From the store first: what is still written here is removed once more by the next one.
        try remote?.announce(removals: paths, version: tree.manifest.version)
        try remote?.remove(paths)
        try journal.write(layout)
        try reached(.removalJournalled)
        try Journal.recover(layout, current: tree.manifest.version)
    }

    /// Compares the pointer with the one that was read: not everybody respects a lock.
    private func publicationIsCurrent(_ tree: CurrentTree) throws(RootcellarError) {
        guard try Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit) == tree.pointerBytes
        else { throw Publication.overtaken(layout) }
    }

    private func reached(_ step: Publisher.Step) throws(RootcellarError) {
        if step == stopsAfter { throw RootcellarError(.internal, "stopped after \(step)") }
    }
}
