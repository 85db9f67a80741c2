// SPDX-License-Identifier: Apache-2.0

package import Model

/// What a mirror run did.
package struct MirrorReport: Codable, Sendable, Hashable {
    /// The name of the server that was copied.
    package var server: String
    /// Its manifest that was copied.
    package var source: Int
    /// The manifest in force here.
    package var manifest: Int
    /// Until when the pointer may be believed.
    package var validUntil: Timestamp
    /// Builds that came, and those that were taken away.
    package var added: [String] = []
    package var removed: [String] = []
    /// Bytes of files that were transferred.
    package var transferred = 0
    /// Why the pages for people are of before, if they are.
    package var pagesFault: String?
}
