// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// What a publication is about to put into place, written down before it does, so that the next publisher can take away
/// the pieces of one that was killed, without walking the tree.
struct Journal: Document {
    static let title = "journal"
    var format = documentFormat
    /// The manifest version that was to be published.
    var version: Int
    /// Everything new, relative to the top of the tree.
    var paths: [String]
    /// What is to be removed from a tree in which this version is in force.
    var removals: [String]?

    init(version: Int, paths: [String]) {
        self.version = version
        self.paths = paths
    }

    /// Writes it to its place.
    func write(_ layout: TreeLayout) throws(RootcellarError) {
        let temporary = layout.staging.appending("journal")
        try Disk.write(try canonicalBytes(), to: temporary)
        try Disk.rename(temporary, to: layout.journal)
    }

    /// The journal of a publication that did not end; nil if there is none.
    static func read(_ layout: TreeLayout) throws(RootcellarError) -> Journal? {
        guard Disk.exists(layout.journal) else { return nil }
        return try Journal(verified: Disk.read(layout.journal, limit: 16 << 20), subject: layout.journal.string)
    }

    /// Everything that this journal accounts for.
    var all: [String] { paths + (removals ?? []) }

    /// Takes away what a killed publication left. What it had published stays, and what it had begun to remove goes.
    ///
    /// - Parameter current: the version of the manifest in force; 0 if there is none.
    static func recover(_ layout: TreeLayout, current: Int) throws(RootcellarError) {
        try Disk.remove(layout.staging)
        try Disk.makeDirectory(layout.staging, mode: 0o700)
        try Workbench.sweep(layout)
        if let journal = try read(layout) {
            if journal.version > current {
                for path in journal.paths where isOurs(path) { try Disk.remove(layout.path(path)) }
            } else {
                for (number, path) in (journal.removals ?? []).enumerated() where isOurs(path) {
                    try Disk.discard(layout.path(path), through: layout.staging.appending("discarded-\(number)"))
                }
            }
            try Disk.remove(layout.journal)
        }
    }

    /// Only what a publication makes is ever removed by a journal's word.
    static func isOurs(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return ["images", "rootcellar", "meta", "streams"].contains(parts[0])
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}
