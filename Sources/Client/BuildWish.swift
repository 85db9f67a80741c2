// SPDX-License-Identifier: Apache-2.0

package import Model

/// Which build of an image somebody wants, where it is not the one that everybody gets.
package struct BuildWish: Sendable, Equatable {
    /// A name that points to a build, as `testing`; nil for what everybody gets.
    package var channel: String?
    /// The moment at which the build was current; nil for now.
    package var asOf: Timestamp?

    /// What everybody gets.
    package init() {}

    /// What a command line says.
    ///
    /// - Parameter asOf: a day, which is meant to its end, or a moment, both in UTC.
    /// - Throws: `USAGE` for a moment that is none, `POLICY` for a name that is none.
    package init(channel: String?, asOf: String?) throws(RootcellarError) {
        self.channel = try channel.map { name throws(RootcellarError) in try ImageName.part("channel", name) }
        guard let asOf else { return }
        guard let moment = Timestamp(asOf) ?? Timestamp("\(asOf)T23:59:59Z") else {
            throw RootcellarError(
                .usage,
                "not a day or a moment",
                subject: printable(asOf),
                hint: "as in 2026-02-28 or 2026-02-28T12:00:00Z, in UTC"
            )
        }
        self.asOf = moment
    }

    /// Whether it is more than what everybody gets.
    package var isSpecial: Bool { self != BuildWish() }

    /// In words, for an error.
    var description: String {
        [channel.map { "in the channel '\($0)'" }, asOf.map { "at \($0)" }].compactMap { $0 }.joined(separator: " ")
    }
}
