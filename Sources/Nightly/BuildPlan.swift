// SPDX-License-Identifier: Apache-2.0

import Definition
package import Model

/// What of a catalogue is due.
package struct BuildPlan: Sendable {
    /// One image.
    package struct Row: Sendable {
        package var image: CatalogImage
        package var published: PublishedBuild?
        package var attempt: NightlyState.Attempt?
        package var decision: DueDecision
    }

    /// Every image, in the catalogue's order.
    package let rows: [Row]

    /// Decides about each image.
    package init(
        _ images: [CatalogImage],
        published: [ImageName: PublishedBuild],
        state: NightlyState,
        now: Timestamp
    ) {
        rows = images.map { image in
            let (build, attempt) = (published[image.name], state[image.name])
            return Row(
                image: image,
                published: build,
                attempt: attempt,
                decision: DueDecision(image, published: build, attempt: attempt, now: now)
            )
        }
    }

    /// What is due, in the order in which it is best done: who failed last comes last, the others by how long they have
    /// been due, so that runs which are cut short reach everybody.
    package var due: [Row] {
        let numbered = rows.enumerated().filter { $0.element.decision.isDue }
        func rank(_ row: Row) -> Int { row.decision.reasons.contains(.failed) ? 1 : 0 }
        return numbered.sorted {
            (rank($0.element), $0.element.decision.time, $0.offset) < (
                rank($1.element), $1.element.decision.time, $1.offset
            )
        }.map(\.element)
    }
}

extension BuildPlan.Row {
    /// Why it is due, or when it will be, for people.
    package var explanation: String {
        guard !decision.isDue else {
            return decision.reasons.map { reason in
                switch reason {
                case .schedule: "\(reason.text), \(image.schedule)"
                case .failed: "\(reason.text)\(failure.map { " (\($0))" } ?? "")"
                default: reason.text
                }
            }.joined(separator: "; ")
        }
        if decision.isWaiting {
            return "last attempt failed\(failure.map { " (\($0))" } ?? ""); again at \(decision.time)"
        }
        return "at \(decision.time)"
    }

    private var failure: String? {
        attempt?.failure.map { "\($0.step.rawValue): \($0.errorClass.rawValue): \($0.reason)" }
    }
}
