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
    /// Seconds to wait for another publisher.
    package var lockSeconds = 60
    /// For tests: ends as if killed once this step is done.
    var stopsAfter: Step?

    private let layout: TreeLayout
    private let keys: KeyStore
    private let now: Timestamp

    /// What has been done when a publication may die.
    enum Step: CaseIterable {
        case copied, signed, journalled, builds, shards, manifest, pointer, indexes
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

    /// Publishes builds, all or none.
    ///
    /// - Parameters:
    ///   - images: directories, each with an `image.json` and the files it names.
    ///   - untested: says that builds without a test result may be published.
    /// - Throws: `POLICY` for a build that may not be published (tainted, untested, not newer, unchanged), `SIZE` and
    ///   `HASH` for files that are not what `image.json` says, `SIGNATURE`, `CLOCK`, `REPOSITORY`.
    package func publish(images: [FilePath], untested: Bool) throws(RootcellarError) -> PublishReport {
        var sources: [ImageSource] = []
        for directory in images { sources.append(try ImageSource(directory)) }
        try refuse(sources, untested: untested)
        return try perform(sources)
    }

    /// Signs what is published once more, so that it stays valid: a new manifest with the same content, a new pointer.
    ///
    /// - Throws: `SIGNATURE`, `CLOCK`, `REPOSITORY`.
    package func refresh() throws(RootcellarError) -> PublishReport { try perform([]) }

    private func perform(_ sources: [ImageSource]) throws(RootcellarError) -> PublishReport {
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
        let tree = try CurrentTree(layout, keys: keys, now: now)
        guard tree.manifest.signedAt <= now.adding(seconds: Verifier.clockSkew) else {
            throw RootcellarError(
                .clock,
                "the tree was published at \(tree.manifest.signedAt), but it is \(now) here",
                subject: layout.top.string,
                hint: "set the clock"
            )
        }
        try Journal.recover(layout, current: tree.manifest.version)
        let home = try keys.openHome()
        defer { home.close() }
        func publication(_ tree: CurrentTree) -> Publication {
            Publication(
                layout: layout,
                keys: keys,
                tree: tree,
                home: home,
                stopsAfter: stopsAfter,
                signer: DocumentSigner(keys: keys, home: home, validity: validity, now: now),
                now: now
            )
        }
        do {
            let publication = publication(tree)
            try publication.restoreIndexes()
            return try publication.run(sources)
        } catch {
            if stopsAfter == nil, let current = try? CurrentTree(layout, keys: keys, now: now) {
                // What failed may have come after the new pointer: then the rest has to follow it. If that fails too,
                // the journal stays and the next publisher does it.
                if (try? publication(current).restoreIndexes()) != nil {
                    try? Journal.recover(layout, current: current.manifest.version)
                }
            }
            throw error
        }
    }

    private func refuse(_ sources: [ImageSource], untested: Bool) throws(RootcellarError) {
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
            guard untested else {
                throw RootcellarError(
                    .policy,
                    "the build has no test result",
                    subject: subject,
                    hint: "--untested publishes it all the same, and the index says so"
                )
            }
        }
    }
}
