// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Model
import OpenPGP
package import SystemPackage

/// Checks a published tree from the pinned root key down to every byte of every file, and names the first thing wrong.
///
/// A tree in which a publication was interrupted is right: readers see none of it.
package struct TreeCheck {
    private let layout: TreeLayout
    private let fingerprint: Fingerprint
    private let now: Timestamp

    /// - Parameters:
    ///   - tree: the top directory.
    ///   - fingerprint: the root key that clients pin.
    ///   - now: the clock to judge by.
    package init(tree: FilePath, fingerprint: Fingerprint, now: Timestamp) {
        layout = TreeLayout(top: tree)
        self.fingerprint = fingerprint
        self.now = now
    }

    /// Checks everything.
    ///
    /// - Throws: the error of the first thing wrong, its subject the file.
    package func run() throws(RootcellarError) -> CheckReport {
        let snapshot = try TreeSnapshot(layout)
        let chain = try RootChain(layout, snapshot, fingerprint: fingerprint, now: now)
        guard let verifier = chain.verifiers.last else {
            throw RootcellarError(.internal, "a tree without root document passed")
        }
        var inspection = Inspection(
            layout: layout,
            verifiers: chain.verifiers,
            verifier: verifier,
            snapshot: snapshot,
            now: now
        )
        inspection.known = chain.files
        let (pointer, manifests) = try inspection.documents()
        inspection.report = CheckReport(
            server: verifier.root.server,
            root: pointer.root,
            manifest: pointer.manifest.version,
            validUntil: pointer.validUntil
        )
        try inspection.shardsAndBuilds(manifests)
        try inspection.legacyIndexes(manifests)
        try inspection.streams(manifests)
        try inspection.strays("")
        inspection.report.files = inspection.known.count
        inspection.report.bytes = inspection.known.values.reduce(0, +)
        inspection.report.leftovers.sort()
        return inspection.report
    }
}
