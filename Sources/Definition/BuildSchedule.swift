// SPDX-License-Identifier: Apache-2.0

package import Model

/// How often an image is built: so many hours or days after the last build, or on days at a time of UTC.
package struct BuildSchedule: Hashable, Sendable, CustomStringConvertible {
    /// Seconds from one build to the next.
    package let period: Int64
    /// Seconds after midnight UTC at which it is due; nil for any time. Then `period` is whole days.
    package let timeOfDay: Int64?

    /// What counts where a catalogue says nothing: once a day.
    package static let standard = BuildSchedule(period: day, timeOfDay: nil)
    /// The shortest and the longest period.
    static let periods = 3600...(366 * day)
    static let day: Int64 = 86400

    init(period: Int64, timeOfDay: Int64?) {
        self.period = period
        self.timeOfDay = timeOfDay
    }

    /// When an image is due again whose last build is of this time.
    ///
    /// A build belongs to the last time of day before it, so that one that began late does not make all later ones late.
    package func next(after last: Timestamp) -> Timestamp {
        guard let timeOfDay else { return last.adding(seconds: period) }
        let since = last.seconds &- timeOfDay
        let days = since / Self.day - (since % Self.day < 0 ? 1 : 0)
        return Timestamp(seconds: days * Self.day + timeOfDay).adding(seconds: period)
    }

    /// As in `every 12h` or `every 7d at 04:30`.
    package var description: String {
        let length = period % Self.day == 0 ? "\(period / Self.day)d" : "\(period / 3600)h"
        let text = period % 3600 == 0 ? length : "\(period / 60)m"
        guard let timeOfDay else { return "every \(text)" }
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "every \(text) at \(two(timeOfDay / 3600)):\(two(timeOfDay / 60 % 60))"
    }
}
