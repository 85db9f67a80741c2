// SPDX-License-Identifier: Apache-2.0

import Model

/// What fills an empty root with its first files.
protocol RootSource {
    /// Fills the root of the build's directory.
    ///
    /// - Throws: `SOURCE` for what cannot be had or is not what it should be, `BUILD` for what fails on the way.
    func fill() throws(RootcellarError) -> OriginState

    /// What the source is at the moment, by name, as far as that decides what `fill` will make; nil if it cannot be known
    /// without doing it.
    func state() throws(RootcellarError) -> [String: String]?
}

extension RootSource {
    func state() throws(RootcellarError) -> [String: String]? { nil }
}

/// What is known of the first files.
struct OriginState {
    /// The date that the build counts from.
    var epoch: Timestamp
    /// What was taken, by name, for image.json.
    var inputs: [String: String] = [:]
    /// Why nobody can vouch for it, if so.
    var taints: [String] = []
}
