// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Model
import Repository

extension String {
    /// The role of this name.
    ///
    /// - Throws: `USAGE` if there is none.
    func asRole() throws(RootcellarError) -> Role {
        guard let role = Role(rawValue: self) else {
            throw RootcellarError(.usage, "no such role", subject: self, hint: "root, release or freshness")
        }
        return role
    }
}

extension KeyCommand {
    /// `key rotate`.
    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace every key of a role by new ones",
            discussion: """
                Signs a new root document with the root keys there are and those there will be, and publishes it with a
                manifest and a pointer. Clients follow by themselves, step by step, however long they were away.
                """
        )

        @OptionGroup private var place: TreePlace
        @Option(help: "root, release or freshness.") private var role: String
        @Option(help: "How many keys the role has from now on (default: as many as now).") private var count: Int?
        @Option(help: "How many of them have to sign (default: as many as now).") private var threshold: Int?

        func run() throws {
            let role = try role.asRole()
            try place.print(place.publisher().rotate(role, count: count, threshold: threshold))
        }
    }

    /// `key revoke`.
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a key that was lost or stolen away from its role; a new one comes in its place",
            discussion:
                "From the moment a client sees the new root document it believes nothing that the key has signed."
        )

        @OptionGroup private var place: TreePlace
        @Option(help: "root, release or freshness.") private var role: String
        @Option(help: "All 40 or 64 hex digits of the key.") private var fingerprint: String

        func run() throws {
            let role = try role.asRole()
            try place.print(place.publisher().revoke(try Fingerprint(fingerprint), role))
        }
    }

    /// `key renew`.
    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign the root document once more, so that it does not expire; every key stays"
        )

        @OptionGroup private var place: TreePlace

        func run() throws { try place.print(place.publisher().renewRoot()) }
    }
}
