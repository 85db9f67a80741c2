// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client

/// `rootcellar list`.
package struct ListCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the images of a pinned server"
    )

    @Option(name: .shortAndLong, help: "Only this distribution.") private var distribution: String?
    @Option(name: .shortAndLong, help: "Only this release.") private var release: String?
    @Option(name: .shortAndLong, help: "Only this architecture.") private var architecture: String?
    @Option(help: "Only this variant.") private var variant: String?
    @Option(help: "HOST[:PORT][/PREFIX] of a pinned server.") private var server: String?
    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func run() throws {
        let context = try ClientContext()
        try ImageTable.print(
            context: context,
            server: try context.selection.server(named: server),
            filter: ImageFilter(
                distribution: distribution,
                release: release,
                architecture: architecture,
                variant: variant
            ),
            isTemplate: false,
            json: json
        )
    }
}
