// SPDX-License-Identifier: Apache-2.0

package import Model

/// What a check found in a tree that is right.
package struct CheckReport: Codable, Sendable, Hashable {
    /// The server's name for itself.
    package var server: String
    /// The root document in force.
    package var root: Int
    /// The manifest in force.
    package var manifest: Int
    /// Until when the pointer may be believed.
    package var validUntil: Timestamp
    /// How many images the manifest in force has, and how many builds of them there are.
    package var images = 0
    package var builds = 0
    /// Files checked, and their bytes.
    package var files = 0
    package var bytes = 0
    /// Builds that were read to the last byte, and those that an earlier check has read and that have not changed since.
    /// Of all others the documents and the sizes of the files were checked.
    package var read = 0
    package var unchanged = 0
    /// What an interrupted publication left; the next one takes it away, and no reader ever sees it.
    package var leftovers: [String] = []
    /// Whether the pages for people are of the documents in force; nil if there are none.
    package var pagesAreCurrent: Bool?
}
