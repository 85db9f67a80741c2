// SPDX-License-Identifier: Apache-2.0

import Model

/// What a working copy knows beside the documents: whose it is, and what the store was given of what has no hash or version in
/// its name.
struct RemoteState: Document {
    static let title = "state of a working copy"
    var format = documentFormat
    /// The endpoint and the tree.
    var tree: String
    /// Tells working copies apart; a random number, nothing about the machine.
    var owner: String
    /// The manifest version that `derived` is of.
    var version = 0
    /// The indexes for stock clients as they were put last; nil if that is not known.
    var derived: [String: SHA256Digest]?

    init(tree: String) {
        self.tree = tree
        owner = randomName()
    }
}

/// A name that nobody else has.
func randomName() -> String {
    var random = SystemRandomNumberGenerator()
    return hexText((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
}
