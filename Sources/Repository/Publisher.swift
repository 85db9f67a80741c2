// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
package import SystemPackage

/// Adds builds to a tree: a reader sees the old set or the new one, nothing between, whenever the publisher dies.
///
/// Everything is copied, hashed and signed in a staging directory first, so that what cannot be signed changes nothing.
/// Then come, each synced to the disk before the next: the builds, the index shards, the manifest, the pointer, and the
/// indexes for stock clients. Only the shards of the distributions concerned are read and written.
package struct Publisher {
    /// How long the new documents are valid.
    package var validity = Validity()
    /// Whether builds that nobody can vouch for are published all the same.
    package var allowsTaints = false
    /// Image directories with a published `image.json`, whose test results stand in it on another publisher's word.
    var acceptedTests: Set<FilePath> = []
    /// From how many published builds of an image patches to the new one are made.
    package var deltas = 7
    /// Seconds to wait for another publisher.
    package var lockSeconds = 60
    /// Makes the pages for people after every publication; nil for none.
    package var pages: (any TreePages)?
    /// The tree in an object store that `tree` is the working copy of.
    package var remote: RemoteTree?
    /// Bytes of catalogue for LXD and Incus in one file; other values are for tests.
    package var streamsPartSize = StreamsFiles.partSize
    /// For tests: ends as if killed once this step is done.
    var stopsAfter: Step?

    let layout: TreeLayout
    let keys: KeyStore
    let now: Timestamp

    /// A publisher of a tree in an object store.
    package init(_ remote: RemoteTree, keys: KeyStore, now: Timestamp) {
        self.remote = remote
        layout = remote.layout
        self.keys = keys
        self.now = now
    }

    /// What has been done when a publication may die.
    enum Step: CaseIterable {
        case copied, signed, journalled, builds, shards, manifest, pointer, indexes, removalJournalled
    }

    /// - Parameters:
    ///   - tree: the top directory.
    ///   - keys: the keys that the tree was made with.
    ///   - now: the clock to sign and to judge by.
    package init(tree: FilePath, keys: KeyStore, now: Timestamp) {
        layout = TreeLayout(top: tree)
        self.keys = keys
        self.now = now
    }

    /// Publishes builds, all or none; only what did not pass its tests is left out, and keeps nobody else from being
    /// published.
    ///
    /// - Parameters:
    ///   - images: directories, each with an `image.json` and the files it names.
    ///   - untested: says that builds may be published that have not passed tests of just their files.
    /// - Throws: `POLICY` for a build that may not be published (tainted, not newer, unchanged), or if
    ///   there is none but untested ones, `TEST` if those have failed, `SIZE` and
    ///   `HASH` for files that are not what `image.json` says, `SIGNATURE`, `CLOCK`, `REPOSITORY`.
    package func publish(images: [FilePath], untested: Bool) throws(RootcellarError) -> PublishReport {
        var sources: [ImageSource] = []
        for directory in images {
            sources.append(try ImageSource(directory, isVouchedFor: acceptedTests.contains(directory)))
        }
        try refuse(sources)
        let refused = untested ? [] : try leaveOut(&sources)
        // Patches take minutes. They are made before other publishers have to wait.
        let workbench = try deltas > 0 ? prepare(sources) : nil
        defer { workbench?.close() }
        let additions = try workbench.map { bench throws(RootcellarError) in try makeDeltas(sources, bench) }
        var report = try perform(sources, adding: additions ?? [])
        report.refused = refused
        return report
    }

    /// Takes out what has not passed its tests.
    ///
    /// - Throws: if nothing remains.
    private func leaveOut(_ sources: inout [ImageSource]) throws(RootcellarError) -> [PublishReport.Refusal] {
        var kept: [ImageSource] = []
        var refused: [PublishReport.Refusal] = []
        var first: RootcellarError?
        for source in sources {
            guard let fault = source.proof.fault else {
                kept.append(source)
                continue
            }
            first = first ?? fault
            refused.append(
                PublishReport.Refusal(name: source.name.path, errorClass: fault.errorClass, reason: fault.reason)
            )
        }
        if kept.isEmpty, let first { throw first }
        sources = kept
        return refused
    }

    /// Signs what is published once more, so that it stays valid.
    ///
    /// The freshness key alone signs a new pointer to the same manifest. Where the release key is here as well, and the
    /// manifest itself has less than a third of its time left, that is signed anew, too.
    ///
    /// - Throws: `SIGNATURE`, `CLOCK`, `REPOSITORY`; `FREEZE` if the manifest or the root document has ended and cannot
    ///   be renewed by the keys that are here.
    package func refresh() throws(RootcellarError) -> PublishReport {
        try work(roles: [.freshness]) { tree, home throws(RootcellarError) in
            let third = now.adding(seconds: Int64(validity.days[.manifest] ?? 0) * 86400 / 3)
            let releaseKeys = try keys.signers(.release, in: tree.root)
            let canRelease = !releaseKeys.isEmpty && releaseKeys.allSatisfy(home.canSign)
            let publication = publication(tree, home, keys)
            if canRelease {
                try publication.restoreIndexes()
                if tree.manifest.validUntil < third { return try publication.run([]) }
            }
            let subject = layout.top.string
            guard tree.root.expires > now else {
                throw RootcellarError(
                    .freeze,
                    "the root document expired at \(tree.root.expires)",
                    subject: subject,
                    hint: "the root keys have to sign a new one: rootcellar key renew"
                )
            }
            guard tree.manifest.validUntil > now else {
                throw RootcellarError(
                    .freeze,
                    "the manifest was valid until \(tree.manifest.validUntil)",
                    subject: subject,
                    hint: "the release key has to sign a new one: run this where it is, or publish"
                )
            }
            return try publication.renewPointer()
        }
    }

    /// Takes a build back: no client uses it any more, not even from its cache.
    ///
    /// - Parameter reason: for people; clients show it.
    /// - Throws: `POLICY` if there is no such build or it was taken back before.
    package func revoke(_ name: ImageName, _ serial: Serial, reason: String) throws(RootcellarError) -> PublishReport {
        try perform { tree throws(RootcellarError) in
            let shard = try tree.shard(name.distribution)
            let images = try shard?.catalogue(subject: name.distribution) ?? []
            guard let image = images.first(where: { $0.name == name }) else {
                throw RootcellarError(.policy, "no such image in this tree", subject: name.path)
            }
            guard let build = image.builds.first(where: { $0.serial == serial }) else {
                throw RootcellarError(
                    .policy,
                    "no such build of \(name.path)",
                    subject: serial.description,
                    hint: "there are: \(image.builds.map(\.serial.description).joined(separator: ", "))"
                )
            }
            guard !tree.manifest.revoked.contains(where: { $0.image == build.image.sha256 }) else {
                throw RootcellarError(.policy, "this build was taken back before", subject: "\(name.path) \(serial)")
            }
            let revocation = Manifest.Revocation(image: build.image.sha256, reason: reason)
            return Publication.Changes(
                manifest: { $0.revoked.append(revocation) },
                distributions: [name.distribution]
            )
        }
    }

    /// Names the addresses that clients may fetch the same tree from, beside the one they know.
    package func setMirrors(_ urls: [String]) throws(RootcellarError) -> PublishReport {
        try perform { _ throws(RootcellarError) in
            Publication.Changes(manifest: { $0.mirrors = urls.isEmpty ? nil : urls })
        }
    }

    func perform(
        _ prepare: (CurrentTree) throws(RootcellarError) -> Publication.Changes
    ) throws(RootcellarError) -> PublishReport {
        try work(roles: [.release, .freshness]) { tree, home throws(RootcellarError) in
            var publication = publication(tree, home, keys)
            publication.changes = try prepare(tree)
            try publication.restoreIndexes()
            return try publication.run([])
        }
    }

    private func perform(
        _ sources: [ImageSource],
        adding additions: [[String: Deltas.Addition]]
    ) throws(RootcellarError) -> PublishReport {
        try work(roles: [.release, .freshness]) { tree, home throws(RootcellarError) in
            let publication = publication(tree, home, keys)
            try publication.restoreIndexes()
            return try publication.run(sources, adding: additions)
        }
    }

    func publication(_ tree: CurrentTree, _ home: KeyHome, _ keys: KeyStore) -> Publication {
        Publication(
            layout: layout,
            keys: keys,
            tree: tree,
            home: home,
            stopsAfter: stopsAfter,
            signer: DocumentSigner(keys: keys, home: home, validity: validity, now: now),
            now: now,
            partSize: streamsPartSize,
            remote: remote,
            pages: pages
        )
    }

    /// Runs `body` with the lock and the tree as it is.
    ///
    /// - Parameters:
    ///   - reading: what an error in reading the tree means.
    ///   - claiming: whether the tree is going to be changed.
    ///   - history: whether older manifests are going to be read.
    func locked<Result>(
        roles: [Role],
        reading: (RootcellarError) -> RootcellarError = { $0 },
        claiming: Bool = false,
        history: Bool = false,
        _ body: (CurrentTree) throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        if let remote {
            return try remote.locked(waiting: lockSeconds, claiming: claiming, history: history) {
                () throws(RootcellarError) in
                try read(roles, reading, body)
            }
        }
        guard Disk.exists(layout.path(TreePath.pointer)) else {
            throw RootcellarError(
                .repository,
                "there is no published tree",
                subject: layout.top.string,
                hint: "make one with 'rootcellar repo init'"
            )
        }
        let lock = try TreeLock(layout, waiting: lockSeconds)
        defer { withExtendedLifetime(lock) {} }
        return try read(roles, reading, body)
    }

    /// Runs `body` with the tree as it is.
    private func read<Result>(
        _ roles: [Role],
        _ reading: (RootcellarError) -> RootcellarError,
        _ body: (CurrentTree) throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        let tree: CurrentTree
        do throws(RootcellarError) {
            tree = try CurrentTree(layout, keys: keys, roles: roles, now: now)
        } catch { throw reading(error) }
        guard tree.manifest.signedAt <= now.adding(seconds: Verifier.clockSkew) else {
            throw RootcellarError(
                .clock,
                "the tree was published at \(tree.manifest.signedAt), but it is \(now) here",
                subject: layout.top.string,
                hint: "set the clock"
            )
        }
        return try body(tree)
    }

    /// Runs `body` with the lock, the tree as it is, and the secret keys, and tidies up if it fails.
    func work<Result>(
        roles: [Role],
        reading: (RootcellarError) -> RootcellarError = { $0 },
        history: Bool = false,
        _ body: (CurrentTree, KeyHome) throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        try locked(roles: roles, reading: reading, claiming: true, history: history) { tree throws(RootcellarError) in
            let unfinished = try remote.flatMap { _ throws(RootcellarError) in try Journal.read(layout)?.paths }
            try Journal.recover(layout, current: tree.manifest.version)
            remote?.slim((unfinished ?? []).filter { $0.hasPrefix("images/") })
            let home = try keys.openHome()
            defer { home.close() }
            publication(tree, home, keys).restorePages()
            do throws(RootcellarError) {
                return try body(settle(tree, home), home)
            } catch {
                remote?.abandon()
                if stopsAfter == nil, let current = try? CurrentTree(layout, keys: keys, roles: [], now: now) {
                    // What failed may have come after the new pointer: then the rest has to follow it, by the keys of
                    // now. If that fails too, the journal stays and the next publisher does it.
                    let store = (try? KeyStore.open(directory: keys.directory)) ?? keys
                    let publication = publication(current, home, store)
                    if (try? publication.restoreIndexes()) != nil {
                        try? Journal.recover(layout, current: current.manifest.version)
                    }
                    publication.restorePages()
                }
                throw error
            }
        }
    }

    private func refuse(_ sources: [ImageSource]) throws(RootcellarError) {
        guard !sources.isEmpty else { throw RootcellarError(.usage, "no image directory was given") }
        var names: Set<ImageName> = []
        for source in sources {
            let subject = source.directory.string
            guard names.insert(source.name).inserted else {
                throw RootcellarError(.policy, "\(source.name) was given twice", subject: subject)
            }
            if let taint = source.document.taints.first, !allowsTaints {
                throw RootcellarError(
                    .policy,
                    "the build is tainted (\(taint))",
                    subject: subject,
                    hint: "build it again with every source verified"
                )
            }
        }
    }
}
