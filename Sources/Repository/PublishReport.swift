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
    /// The builds that were left out because of their tests, in the order they were given.
    package var refused: [Refusal] = []
    /// Why the pages for people could not be written, if so; everything else is published.
    package var pagesFault: String?

    /// A build that was not published.
    package struct Refusal: Codable, Sendable, Hashable {
        /// `distribution/release/architecture/variant`.
        package var name: String
        /// `TEST` for one that did not pass, `POLICY` for one without a result about just its files.
        package var errorClass: ErrorClass
        package var reason: String
    }

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
        /// Whether it has passed its tests.
        package var tested: Bool
    }
}
