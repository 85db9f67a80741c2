// SPDX-License-Identifier: Apache-2.0

/// Everything a server publishes at one moment, by hash: one index shard per distribution, and what was taken back.
package struct Manifest: Document {
    package static let title = "manifest"
    package var format = documentFormat
    /// The server's name for itself.
    package var server: String
    /// Grows by one with every publication.
    package var version: Int
    /// When the manifest was signed.
    package var signedAt: Timestamp
    /// From when on the manifest is refused, however fresh the pointer to it is: bounds what a stolen freshness key
    /// can do.
    package var validUntil: Timestamp
    /// The index shard of each distribution.
    package var indexes: [String: FileReference]
    /// Builds that no client may use any more, not even from its cache.
    package var revoked: [Revocation]
    /// Other addresses of the same tree, `https://HOST[:PORT][/PREFIX]`. Whoever is there needs no trust.
    package var mirrors: [String]?
    /// The catalogue that LXD and Incus are shown, `streams/v1/index.json`, which names its other files by their hashes.
    package var streams: FileReference?

    /// One build taken back.
    package struct Revocation: Codable, Sendable, Hashable {
        /// Hash of the build's `image.json`.
        package var image: SHA256Digest
        /// Why, for people.
        package var reason: String

        /// A revocation.
        package init(image: SHA256Digest, reason: String) {
            self.image = image
            self.reason = reason
        }
    }

    /// A manifest of the current format.
    package init(
        server: String,
        version: Int,
        signedAt: Timestamp,
        validUntil: Timestamp,
        indexes: [String: FileReference],
        revoked: [Revocation] = []
    ) {
        self.server = server
        self.version = version
        self.signedAt = signedAt
        self.validUntil = validUntil
        self.indexes = indexes
        self.revoked = revoked
    }
}
