// SPDX-License-Identifier: Apache-2.0

package import Model

/// What pruning took away, or would.
package struct PruneReport: Codable, Sendable, Hashable {
    /// Whether nothing was changed.
    package var dryRun: Bool
    /// The manifest in force.
    package var manifest: Int
    /// Builds that the catalogue names no more. Their files stay as long as a reader of an older one may want them.
    package var dropped: [Build] = []
    /// Bytes of the builds dropped now.
    package var droppedBytes = 0
    /// From when on pruning removes what was dropped now; nil if nothing was.
    package var removableFrom: Timestamp?
    /// Directories of builds, indexes and manifests that were removed, relative to the top of the tree.
    package var removed: [String] = []
    /// Their bytes.
    package var removedBytes = 0

    /// One build.
    package struct Build: Codable, Sendable, Hashable {
        /// `distribution/release/architecture/variant`.
        package var name: String
        package var serial: Serial
        /// Bytes of all its files.
        package var bytes: Int
    }
}
