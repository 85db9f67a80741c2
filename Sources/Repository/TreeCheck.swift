// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Model
import OpenPGP
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Checks a published tree from the pinned root key down to every byte of every file, and names the first thing wrong.
///
/// A tree in which a publication was interrupted is right: readers see none of it.
package struct TreeCheck {
    /// How many builds are read to the last byte, chosen by chance; nil for all. Documents and sizes are always checked.
    package var sample: Int?
    /// Where to keep what was read, outside of the tree: the next check with the same file does not read it again
    /// unless it has changed.
    package var state: FilePath?
    /// Where builds are read from if the tree is a likeness of one in an object store.
    var remote: RemoteCopy?

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
    /// A publication may take away what is just read: what is wrong with a tree that has changed meanwhile is looked at
    /// again.
    ///
    /// - Throws: the error of the first thing wrong, its subject the file.
    package func run() throws(RootcellarError) -> CheckReport {
        for _ in 1..<Self.mostAttempts {
            let before = Generation(layout)
            do throws(RootcellarError) { return try attempt() } catch {
                guard remote == nil, Generation(layout) != before else { throw error }
            }
        }
        return try attempt()
    }

    /// How often a tree is looked at that changes all the time.
    private static let mostAttempts = 20

    /// What changes with each publication.
    private struct Generation: Equatable {
        private let pointer: [UInt8]?
        private let links: [String?]

        init(_ layout: TreeLayout) {
            pointer = try? Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit)
            links = [FlippedDirectory.legacy(layout), .streams(layout)].map { Disk.linkTarget($0.link) }
        }
    }

    private func attempt() throws(RootcellarError) -> CheckReport {
        let snapshot = try TreeSnapshot(layout)
        let chain = try RootHistory(layout, snapshot, fingerprint: fingerprint, now: now)
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
        inspection.sample = sample
        inspection.remote = remote
        if let state {
            let top = try absolutePath(layout.top).string
            try refuse(state, inside: top)
            inspection.before = CheckState.read(state, tree: top, fingerprint: fingerprint)
            inspection.after = CheckState(tree: top, fingerprint: fingerprint)
        }
        let (pointer, manifests) = try inspection.documents()
        inspection.report = CheckReport(
            server: verifier.root.server,
            root: pointer.root,
            manifest: pointer.manifest.version,
            validUntil: pointer.validUntil
        )
        try inspection.shardsAndBuilds(manifests)
        if remote?.isBetween == true {
            try inspection.indexesBetween(manifests)
        } else {
            try inspection.legacyIndexes(manifests)
            try inspection.streams(manifests)
        }
        try inspection.strays("")
        inspection.report.files = inspection.known.count
        inspection.report.bytes = inspection.known.values.reduce(0, +)
        inspection.report.leftovers.sort()
        inspection.pages(pointer, manifests)
        if let state { try inspection.after?.write(state) }
        return inspection.report
    }

    private func absolutePath(_ path: FilePath) throws(RootcellarError) -> FilePath {
        guard let real = unsafe realpath(path.string, nil) else {
            throw Disk.fault("cannot be found", path, Errno(rawValue: errno))
        }
        defer { unsafe free(real) }
        return unsafe FilePath(platformString: real)
    }

    /// In the tree it would be one of the files that nothing signed names, and whoever writes there would write it.
    private func refuse(_ state: FilePath, inside top: String) throws(RootcellarError) {
        let parent = state.removingLastComponent()
        let real = try absolutePath(parent.isEmpty ? "." : parent).string
        guard real != top, !real.hasPrefix(top + "/") else {
            throw RootcellarError(
                .usage,
                "the state of a check cannot be in the tree",
                subject: state.string,
                hint: "give a file elsewhere"
            )
        }
    }
}
