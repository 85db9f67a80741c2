// SPDX-License-Identifier: Apache-2.0

/// Which keys speak for a server: the root of trust, signed by the root keys of this version and of the one before.
package struct RootDocument: Document {
    package static let title = "root document"
    package var format = documentFormat
    /// The server's name for itself. State and cache are kept by it, not by URL.
    package var server: String
    /// 1, 2, 3, …
    package var version: Int
    /// From when on this document is refused.
    package var expires: Timestamp
    /// For each role, the keys and how many different ones have to sign.
    package var roles: [Role: Keys]
    /// The public keys that the roles name, one armored block each; nothing else may be in them.
    package var publicKeys: [String]

    /// The keys of one role.
    package struct Keys: Codable, Sendable, Hashable {
        /// How many different primary keys have to sign.
        package var threshold: Int
        /// Fingerprints of primary keys.
        package var fingerprints: [Fingerprint]

        /// Keys of a role.
        package init(threshold: Int, fingerprints: [Fingerprint]) {
            self.threshold = threshold
            self.fingerprints = fingerprints
        }
    }

    /// A root document of the current format.
    package init(
        server: String,
        version: Int,
        expires: Timestamp,
        roles: [Role: Keys],
        publicKeys: [String]
    ) {
        self.server = server
        self.version = version
        self.expires = expires
        self.roles = roles
        self.publicKeys = publicKeys
    }

    /// The keys of `role`.
    ///
    /// - Throws: `BINDING` if the role is missing, names no key, names one twice, or asks for more than it names.
    package func keys(of role: Role) throws(RootcellarError) -> Keys {
        guard let keys = roles[role], keys.threshold >= 1, Set(keys.fingerprints).count == keys.fingerprints.count,
            keys.fingerprints.count >= keys.threshold
        else {
            throw RootcellarError(
                .binding,
                "root document \(version) has no usable keys for the role '\(role.rawValue)'",
                subject: server
            )
        }
        return keys
    }
}
