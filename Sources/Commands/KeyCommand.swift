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
        abstract: "Make, change and export a publisher's keys",
        subcommands: [Init.self, Export.self, Rotate.self, Revoke.self, Renew.self]
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
        @Option(help: "How many root keys to make, at most 4.") private var rootKeys = 1
        @Option(help: "How many of the root keys have to sign a root document.") private var rootThreshold = 1
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
            let store = try KeyStore.initialise(
                directory: FilePath(keys),
                name: name,
                rootKeys: rootKeys,
                rootThreshold: rootThreshold
            )
            for role in Role.allCases.reversed() {
                for key in store.fingerprints(role).reversed() { say("\(role.rawValue) \(key)") }
            }
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
            let armored = try KeyStore.open(directory: FilePath(keys)).export(try role.asRole())
            try FileDescriptor.standardOutput.writeAll(armored)
        }
    }
}
