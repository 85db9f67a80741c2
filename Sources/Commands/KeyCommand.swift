// SPDX-License-Identifier: Apache-2.0

import Archive
package import ArgumentParser
import ClientCommands
import Model
import OpenPGP
import Repository
import SystemPackage

/// `rootcellar key`: a publisher's keys.
package struct KeyCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make, change and export a publisher's keys",
        subcommands: [
            Init.self, Share.self, Export.self, Rotate.self, Revoke.self, Renew.self, SignRoot.self, Apply.self,
            Audit.self,
        ]
    )

    package init() {}

    /// `key init`.
    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Make the keys of a publisher: root, release and freshness",
            discussion: """
                The last line on standard output is the fingerprint of the root key, which clients pin. New keys get the \
                passphrase of --passphrase-file or --passphrase-fd, or the one that gpg-agent asks for on a terminal. Keys \
                that exist are taken by --use-key, and the root keys of others, who sign on machines of their own, by \
                --root-key.
                """
        )

        @Option(help: "A new or empty directory for the keys.") private var keys: String
        @Option(help: "Whose keys these are.") private var name: String
        @Option(help: "Make keys for this role only; may be repeated.") private var role: [String] = []
        @Option(help: "How many root keys to make, at most 4.") private var rootKeys = 1
        @Option(help: "How many of the root keys have to sign a root document.") private var rootThreshold = 1
        @Option(help: "A file with somebody's public root key, in the place of one made here; may be repeated.")
        private var rootKey: [String] = []
        @Option(help: "ROLE=FINGERPRINT of a key that a GnuPG home has, on a token for example; may be repeated.")
        private var useKey: [String] = []
        @Option(help: "That GnuPG home.") private var gnupgHome: String?
        @Flag(help: "Leave the keys without a passphrase, as unattended publishing needs.") private var noPassphrase =
            false
        @OptionGroup private var passphrase: PassphraseOptions

        func run() throws {
            let plan = try plan()
            let unlock: KeyUnlock = noPassphrase ? .nobody : try passphrase.unlock()
            let isMaking = plan.roles.contains { plan.keys[$0] == nil }
            guard noPassphrase != passphrase.isGiven || (!noPassphrase && (unlock == .asking || !isMaking)) else {
                throw RootcellarError(
                    .usage,
                    noPassphrase ? "--no-passphrase and a passphrase" : "nobody tells the passphrase of the new keys",
                    hint: "--passphrase-file FILE, or --no-passphrase for keys that sign unattended"
                )
            }
            let store = try KeyStore.initialise(directory: FilePath(keys), name: name, plan: plan, unlock: unlock)
            for role in Role.allCases.reversed() {
                for key in store.fingerprints(role).reversed() { say("\(role.rawValue) \(key)") }
            }
            if let key = Role.allCases.lazy.compactMap({ store.fingerprints($0).first }).first { say(key.hex) }
        }

        private func plan() throws(RootcellarError) -> KeyPlan {
            var plan = KeyPlan()
            if !role.isEmpty {
                plan.roles = []
                for name in role { plan.roles.insert(try name.asRole()) }
            }
            plan.rootKeys = rootKeys
            plan.rootThreshold = rootThreshold
            plan.isProtected = !noPassphrase
            for file in rootKey {
                plan.keys[.root, default: NewKeys()].publicKeys.append(try readSmall(FilePath(file)))
            }
            for word in useKey {
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2 else {
                    throw RootcellarError(.usage, "not ROLE=FINGERPRINT", subject: "'\(word)'")
                }
                let used = try usedKey(parts[1], gnupgHome)
                plan.keys[try parts[0].asRole(), default: NewKeys()].used.append(used)
            }
            return plan
        }
    }

    /// `key share`.
    struct Share: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a directory of keys in which only some roles can sign",
            discussion: """
                For the machine that publishes: --role release --role freshness; for one that only refreshes: --role \
                freshness. The root key then stays where it is, offline. Passphrases stay what they are.
                """
        )

        @OptionGroup private var options: KeyOptions
        @Option(help: "A new or empty directory.") private var to: String
        @Option(help: "A role that can sign there; may be repeated.") private var role: [String]

        func run() throws {
            var roles: [Role] = []
            for name in role { roles.append(try name.asRole()) }
            try options.open().share(roles, to: FilePath(to))
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

    /// `key audit`.
    struct Audit: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what was signed with these keys, and what was refused",
            discussion: "Fails if a line of the log was changed or taken out."
        )

        @Option(help: "The directory of the keys.") private var keys: String

        func run() throws { for line in try KeyStore.open(directory: FilePath(keys)).audit.lines() { say(line) } }
    }
}
