// SPDX-License-Identifier: Apache-2.0

import Model

/// What one machine has to do for one image, as programs that hand out work are told it.
package struct BuildJob: Encodable, Sendable {
    /// The image's name.
    package var image: String
    /// What the machine must be labelled with: the architecture, then the catalogue's labels.
    package var labels: [String]
    /// Whether there is anything to do.
    package var due: Bool
    /// Why, or when there will be.
    package var why: String
    /// The steps in their order; each is needed for the next.
    package var steps: [Step]

    /// One command.
    package struct Step: Encodable, Sendable {
        package var name: String
        package var command: [String]
    }

    /// Where a job makes its image, relative to where it is started.
    package static let output = "image"

    /// The job of a row.
    ///
    /// - Parameter publish: the words of `rootcellar publish` after the image's directory; without any nothing is published.
    package init(_ row: BuildPlan.Row, publish: [String]) {
        image = row.image.name.path
        labels = [row.image.name.architecture] + row.image.labels
        due = row.decision.isDue
        why = row.explanation
        var build = ["rootcellar", "build"] + row.image.buildWords(output: Self.output)
        if row.decision.needsNewSerial { build.append("--force") }
        steps = [
            Step(name: NightlyState.Step.build.rawValue, command: build),
            Step(name: NightlyState.Step.test.rawValue, command: ["rootcellar", "test", Self.output]),
        ]
        if !publish.isEmpty {
            steps.append(
                Step(
                    name: NightlyState.Step.publish.rawValue,
                    command: ["rootcellar", "publish", Self.output] + publish
                )
            )
        }
    }
}
