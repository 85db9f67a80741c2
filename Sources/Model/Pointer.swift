// SPDX-License-Identifier: Apache-2.0

/// The only file of a published tree that changes: says which manifest is in force, and until when that may be believed.
package struct Pointer: Document {
    package static let title = "pointer"
    package var format = documentFormat
    /// The server's name for itself.
    package var server: String
    /// The version of the root document in force.
    package var root: Int
    /// The manifest in force.
    package var manifest: Manifest
    /// When the pointer was signed.
    package var signedAt: Timestamp
    /// From when on the pointer is refused for new content.
    package var validUntil: Timestamp

    /// Which manifest file.
    package struct Manifest: Codable, Sendable, Hashable {
        /// The manifest's version, which only ever grows.
        package var version: Int
        /// The whole signed file.
        package var file: FileReference

        /// A reference to a manifest.
        package init(version: Int, file: FileReference) {
            self.version = version
            self.file = file
        }
    }

    /// A pointer of the current format.
    package init(server: String, root: Int, manifest: Manifest, signedAt: Timestamp, validUntil: Timestamp) {
        self.server = server
        self.root = root
        self.manifest = manifest
        self.signedAt = signedAt
        self.validUntil = validUntil
    }
}
