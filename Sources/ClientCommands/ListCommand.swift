// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client

/// `rootcellar list`.
package struct ListCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the images of a server"
    )

    @Option(name: .shortAndLong, help: "Only this distribution.") private var distribution: String?
    @Option(name: .shortAndLong, help: "Only this release.") private var release: String?
    @Option(name: .shortAndLong, help: "Only this architecture.") private var architecture: String?
    @Option(help: "Only this variant.") private var variant: String?
    @OptionGroup private var server: ServerOptions
    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func run() throws {
        let context = try ClientContext()
        let filter = ImageFilter(
            distribution: distribution,
            release: release,
            architecture: architecture,
            variant: variant
        )
        let list = try context.images(of: try context.choose(server.words), filter, .quiet)
        if json { return try ImageTable.json(list) }
        ImageTable.print(list, isTemplate: false)
    }
}
