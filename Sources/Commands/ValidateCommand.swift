// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser

/// `rootcellar validate`.
package struct ValidateCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check an image definition; nothing is printed if it is in order"
    )

    @OptionGroup private var options: DefinitionOptions

    package init() {}

    package func run() throws { _ = try options.load() }
}
