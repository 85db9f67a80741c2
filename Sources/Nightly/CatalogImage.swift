// SPDX-License-Identifier: Apache-2.0

package import Definition
package import Model

/// One image that a catalogue asks for.
package struct CatalogImage: Hashable, Sendable {
    /// Under which it is published.
    package var name: ImageName
    /// The definition's path, for a command.
    package var definition: String
    /// What is overridden in it, in order.
    package var overrides: [String]
    /// The same for comparisons.
    package var inputs: BuildInputs
    /// How often it is built.
    package var schedule: BuildSchedule
    /// What a machine must be labelled with.
    package var labels: [String]
    /// Which builds stay published.
    package var retention: BuildRetention

    /// The words of `rootcellar build` for it, after the command's name.
    package func buildWords(output: String) -> [String] {
        [definition] + overrides.flatMap { ["-o", $0] } + ["--output", output]
    }
}
