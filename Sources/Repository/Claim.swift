// SPDX-License-Identifier: Apache-2.0

import Model

/// The object by which one publisher at a time changes a tree in a store, and its journal for others: what it is about to put
/// there or to remove. It is written only under conditions, so that nobody overwrites another's.
struct Claim: Document {
    static let title = "claim"
    static let path = "\(TreeLayout.hidden)/claim"
    static let limit = 16 << 20
    /// How long after its last sign of life another working copy takes over. Nothing hangs on clocks being right: whoever takes
    /// over changes the pointer first, so that the other one cannot any more.
    static let seconds: Int64 = 3600

    var format = documentFormat
    /// The working copy.
    var owner: String
    /// This one run: no two claims have the same bytes.
    var run = randomName()
    /// When its owner was last seen.
    var renewed: Timestamp
    /// Whether its owner has gone and left something to do.
    var isLeft: Bool?
    /// What is about to be published.
    var version: Int?
    var manifest: SHA256Digest?
    /// Everything new of it, relative to the top of the tree.
    var paths: [String] = []
    /// What is to be removed from a tree in which this version is in force.
    var removals: [String] = []

    init(owner: String, renewed: Timestamp) {
        self.owner = owner
        self.renewed = renewed
    }

    /// Whether the next publisher has something to do because of it.
    var hasWork: Bool { !paths.isEmpty || !removals.isEmpty || manifest != nil }

    /// Takes over what another one was about to do.
    mutating func inherit(_ other: Claim) {
        (version, manifest, paths, removals) = (other.version, other.manifest, other.paths, other.removals)
    }

    /// Forgets what was to be done.
    mutating func clear() { (version, manifest, paths, removals) = (nil, nil, [], []) }
}
