// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Model

/// `rootcellar-client`: the client's commands alone.
package struct ClientRoot: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rootcellar-client",
        abstract: "Put signed images into containers",
        version: programVersion,
        subcommands: clientCommands + [ClientVersionCommand.self]
    )

    package init() {}
}

/// The commands that both programs have.
package let clientCommands: [any ParsableCommand.Type] = [
    DownloadCommand.self, ListCommand.self, InfoCommand.self, ExplainCommand.self, TrustCommand.self, CacheCommand.self,
]
