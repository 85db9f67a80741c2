// SPDX-License-Identifier: Apache-2.0

package import Model

/// What was published.
package struct PublishReport: Codable, Sendable, Hashable {
    /// The version of the new manifest.
    package var manifest: Int
    /// Until when the new pointer may be believed.
    package var validUntil: Timestamp
    /// Every build, in the order it was given.
    package var images: [Image]

    /// One published build.
    package struct Image: Codable, Sendable, Hashable {
        /// `distribution/release/architecture/variant`.
        package var name: String
        package var serial: Serial
        /// Its `image.json`.
        package var image: FileReference
        /// How many files were published, checksums and signatures left out.
        package var files: Int
        /// Their bytes.
        package var bytes: Int
        /// The bytes of each delta that was made, by file name.
        package var deltas: [String: Int]
    }
}
