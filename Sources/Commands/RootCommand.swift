// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ClientCommands
import Model

/// `rootcellar`: the whole command.
package struct RootCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rootcellar",
        abstract: "Build, sign and publish root filesystems, and put them into containers",
        version: programVersion,
        groupedSubcommands: [
            CommandGroup(
                name: "Build",
                subcommands: [
                    BuildCommand.self, BuildDirectoryCommand.self, BuildLXCCommand.self, BuildIncusCommand.self,
                    PackLXCCommand.self, PackIncusCommand.self, RebuildCommand.self, ValidateCommand.self,
                    BuildCacheCommand.self,
                ]
            ),
            CommandGroup(
                name: "Publish",
                subcommands: [
                    TestCommand.self, KeyCommand.self, RepoCommand.self, PublishCommand.self, DeltaCommand.self,
                    ServeCommand.self, TokenCommand.self, PlanCommand.self, NightlyCommand.self,
                ]
            ),
            CommandGroup(name: "Use", subcommands: clientCommands),
            CommandGroup(name: "About", subcommands: [ClientVersionCommand.self]),
        ]
    )

    package init() {}
}
