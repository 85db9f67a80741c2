// SPDX-License-Identifier: Apache-2.0

import Definition
package import Model

/// Whether an image is to be built now, why, and if not, when.
package struct DueDecision: Hashable, Sendable {
    /// Why an image is built.
    package enum Reason: String, Codable, Sendable, Hashable, CaseIterable {
        case never = "never-built"
        case definition = "definition-changed"
        case options = "options-changed"
        case schedule = "outdated"
        case expiring = "expiring"
        case failed = "failed"

        /// For people.
        package var text: String {
            switch self {
            case .never: "never built"
            case .definition: "definition changed"
            case .options: "options changed"
            case .schedule: "older than the schedule"
            case .expiring: "expiring"
            case .failed: "last attempt failed"
            }
        }
    }

    /// Why it is due; empty if it is not.
    package var reasons: [Reason]
    /// Since when it is due, or when it will be.
    package var time: Timestamp
    /// Whether it would be due but for an attempt that has just failed.
    package var isWaiting: Bool

    /// Whether it is to be built.
    package var isDue: Bool { !reasons.isEmpty }
    /// Whether a new build is needed although its content may be the same: readers' copies of this one end soon.
    package var needsNewSerial: Bool { reasons.contains(.expiring) }

    /// Decides.
    ///
    /// - Parameters:
    ///   - published: what readers are given; nil if there is nothing.
    ///   - attempt: the last one at this image.
    package init(_ image: CatalogImage, published: PublishedBuild?, attempt: NightlyState.Attempt?, now: Timestamp) {
        let since = Self.moments(image, published, attempt, now)
        var reasons = Reason.allCases.filter { reason in since[reason].map { $0 <= now } ?? false }
        time = since.filter { reasons.isEmpty || reasons.contains($0.key) }.values.min() ?? now
        isWaiting = false
        // A definition or an option that was mended is tried at once.
        if !reasons.isEmpty, let attempt, attempt.outcome == .failed, attempt.inputs == image.inputs {
            let again = (attempt.ended ?? attempt.began).adding(seconds: Self.pause(after: attempt.failures))
            if again <= now {
                reasons.append(.failed)
            } else {
                reasons = []
                time = again
                isWaiting = true
            }
        }
        self.reasons = reasons
    }

    /// Seconds until a failed attempt is made again: an hour, twice that each time, and never so long that a run of every
    /// day would miss one.
    static func pause(after failures: Int) -> Int64 { 3600 << Int64(min(max(failures, 1) - 1, 4)) }

    /// When each reason begins to count.
    private static func moments(
        _ image: CatalogImage,
        _ published: PublishedBuild?,
        _ attempt: NightlyState.Attempt?,
        _ now: Timestamp
    ) -> [Reason: Timestamp] {
        guard let published else { return [.never: Timestamp(seconds: 0)] }
        var since: [Reason: Timestamp] = [:]
        if let inputs = published.inputs {
            if inputs.definition != image.inputs.definition { since[.definition] = now }
            if inputs.options != image.inputs.options { since[.options] = now }
        }
        var fresh = published.serial.time
        if let attempt, attempt.outcome == .unchanged, attempt.serial == published.serial,
            attempt.inputs == image.inputs
        {
            fresh = max(fresh, attempt.began)
        }
        since[.schedule] = image.schedule.next(after: fresh)
        if published.lifetime > 0 {
            // The last quarter of its life is time enough to mend a build that fails.
            since[.expiring] = published.serial.time.adding(seconds: Int64(published.lifetime / 4) * 3)
        }
        return since
    }
}
