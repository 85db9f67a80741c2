// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ClientCommands
import Model
import Repository
import SystemPackage

/// `rootcellar key`: a publisher's keys.
package struct KeyCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make and export a publisher's keys",
        subcommands: [Init.self, Export.self]
    )

    package init() {}

    /// `key init`.
    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Make the three keys of a publisher: root, release and freshness",
            discussion: "The last line on standard output is the fingerprint of the root key, which clients pin."
        )

        @Option(help: "A new or empty directory for the keys.") private var keys: String
        @Option(help: "Whose keys these are.") private var name: String
        @Flag(help: "Leave the keys without a passphrase, as unattended publishing needs.") private var noPassphrase =
            false

        func run() throws {
            guard noPassphrase else {
                throw RootcellarError(
                    .policy,
                    "keys with a passphrase are not made yet",
                    hint: "use --no-passphrase and protect the directory, which is readable by its owner alone"
                )
            }
            let store = try KeyStore.initialise(directory: FilePath(keys), name: name)
            for role in Role.allCases.reversed() { say("\(role.rawValue) \(store.fingerprint(role))") }
            say(store.root.hex)
        }
    }

    /// `key export`.
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Print a public key, armored"
        )

        @Option(help: "The directory of the keys.") private var keys: String
        @Option(help: "root, release or freshness.") private var role: String = Role.release.rawValue

        func run() throws {
            guard let role = Role(rawValue: role) else {
                throw RootcellarError(.usage, "no such role", subject: role, hint: "root, release or freshness")
            }
            let armored = try KeyStore.open(directory: FilePath(keys)).export(role)
            try FileDescriptor.standardOutput.writeAll(armored)
        }
    }
}
