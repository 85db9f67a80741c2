// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import TestSupport

/// Kills at random moments.
package enum RandomKills {
    /// How many: `ROOTCELLAR_KILLS`, a dozen without.
    package static let count = ProcessInfo.processInfo.environment["ROOTCELLAR_KILLS"].flatMap { Int($0) } ?? 12
    /// Whether many were asked for.
    package static let isLong = count > 12

    /// A moment from the start to a little after the end, in seconds, as timeout(1) takes them.
    package static func moment(within duration: Duration, _ random: inout SeededGenerator) -> String {
        let milliseconds = max(1, Int(duration / .milliseconds(1)))
        let delay = Int.random(in: 1...(milliseconds * 11 / 10), using: &random)
        return "\(delay / 1000).\(String(1000 + delay % 1000).dropFirst())"
    }
}
