// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
package import SystemPackage

/// Which keys a new directory gets.
package struct KeyPlan: Sendable {
    /// The roles that get keys here; somebody with a root key and nothing else has one.
    package var roles = Set(Role.allCases)
    /// How many root keys are made, if none are given.
    package var rootKeys = 1
    /// How many of the root keys have to sign a root document.
    package var rootThreshold = 1
    /// Keys that exist already, by role.
    package var keys: [Role: NewKeys] = [:]
    /// Whether the keys that are made get a passphrase.
    package var isProtected = false

    /// One key for each role, without a passphrase.
    package init() {}

    func check() throws(RootcellarError) {
        guard !roles.isEmpty else { throw RootcellarError(.usage, "no role is left") }
        guard let role = keys.keys.first(where: { !roles.contains($0) }) else {
            return try KeyStore.checkCount(rootKeys, threshold: min(rootThreshold, rootKeys))
        }
        throw RootcellarError(.usage, "a key for the role '\(role.rawValue)', which is not wanted here")
    }

    func checkThreshold(_ count: Int?) throws(RootcellarError) {
        if let count { try KeyStore.checkCount(count, threshold: rootThreshold) }
    }
}

/// Keys that are not made here.
package struct NewKeys: Sendable {
    /// Armored public keys of others, who sign on machines of their own.
    package var publicKeys: [[UInt8]] = []
    /// Keys whose secret half another GnuPG home has, on a token or in its own files.
    package var used: [Used] = []

    /// A key in another GnuPG home.
    package struct Used: Sendable, Hashable {
        package var fingerprint: Fingerprint
        package var home: FilePath

        /// A key of a home.
        package init(fingerprint: Fingerprint, home: FilePath) {
            self.fingerprint = fingerprint
            self.home = home
        }
    }

    /// None.
    package init() {}

    var isEmpty: Bool { publicKeys.isEmpty && used.isEmpty }

    /// Takes in their public halves.
    ///
    /// - Throws: `SIGNATURE` if one is no key, or is not where it is said to be; `POLICY` if one is given twice.
    func add(to home: KeyHome) throws(RootcellarError) -> [Fingerprint] {
        var keys: [Fingerprint] = []
        for block in publicKeys { keys += try home.addPublic(block, subject: "public key") }
        for key in used {
            let block = try KeyHome.publicKey(key.fingerprint, in: key.home)
            keys += try home.addPublic(block, subject: key.home.string)
        }
        guard Set(keys).count == keys.count else { throw RootcellarError(.policy, "a key was given twice") }
        return keys
    }
}
