// SPDX-License-Identifier: Apache-2.0

package import Definition
package import Model
package import SystemPackage

/// What one build is asked to make, and with what.
package struct BuildOptions: Sendable {
    /// Where the root is put together.
    package enum Scratch: String, Sendable, CaseIterable {
        /// In memory where there is plenty of it, else on disk.
        case automatic
        case memory
        case disk
    }

    /// The definition, overridden and checked.
    package var definition: ResolvedDefinition
    /// The bytes of the definition's file, published with the image.
    package var definitionText: [UInt8]
    /// The overrides `key=value` it was read with, in order.
    package var overrides: [String] = []
    /// What is made.
    package var product: BuildProduct = .image
    /// What it is made from.
    package var origin: BuildOrigin = .source
    /// The directory to make, whose parent must exist; for separate files the directory that they are put into.
    package var output: FilePath
    /// How separate files are compressed; of an image directory this is fixed.
    package var compression: OutputCompression = .standard
    /// Whether an image is built although the one that is there has been made of the same.
    package var isForced = false
    /// Whether the scripts of post-files run when only a root directory is made.
    package var withPostFiles = false
    /// After how many seconds the run is given up.
    package var timeLimit: Int?
    /// Encoder threads; the result does not depend on it.
    package var threads: Int = 1
    /// What is kept between builds; nothing without.
    package var cache: BuildCache?
    /// SOURCE_DATE_EPOCH, if the caller knows better than the archive.
    package var epoch: Timestamp?
    /// The configured archive of the definition's distribution.
    package var mirror: String?
    /// A file of public keys that vouch for that archive, beside those of the definition.
    package var mirrorKey: FilePath?
    /// The configured proxy.
    package var proxy: String?
    /// A file of certificate authorities that count for downloads instead of the system's.
    package var certificateAuthorities: String?
    /// The level of `rootfs.tar.xz`, 0 to 9.
    package var xzLevel = 5
    /// The level of `rootfs.tar.zst`, 1 to 19.
    package var zstdLevel = 9
    /// Where the root is put together.
    package var scratch: Scratch = .automatic

    /// What vouches for the source: the definition's keys, and those of the configured archive if that is what is asked.
    ///
    /// - Throws: `SOURCE` for a key that is not one or cannot be had.
    func keys() throws(RootcellarError) -> SourceKeys {
        let source = definition.definition.source
        return try SourceKeys(source.keys, file: source.url.isEmpty ? mirrorKey : nil)
    }

    /// Options with everything else at its default.
    package init(definition: ResolvedDefinition, definitionText: [UInt8], output: FilePath) {
        self.definition = definition
        self.definitionText = definitionText
        self.output = output
    }
}
