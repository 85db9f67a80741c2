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
    /// The image directory to make; its parent must exist.
    package var output: FilePath
    /// Encoder threads; the result does not depend on it.
    package var threads: Int = 1
    /// Where packages are kept between builds; nothing is kept without.
    package var cache: FilePath?
    /// SOURCE_DATE_EPOCH, if the caller knows better than the archive.
    package var epoch: Timestamp?
    /// The configured archive of the definition's distribution.
    package var mirror: String?
    /// The configured proxy.
    package var proxy: String?
    /// The level of `rootfs.tar.xz`, 0 to 9.
    package var xzLevel = 6
    /// The level of `rootfs.tar.zst`, 1 to 19.
    package var zstdLevel = 9
    /// Where the root is put together.
    package var scratch: Scratch = .automatic

    /// Options with everything else at its default.
    package init(definition: ResolvedDefinition, definitionText: [UInt8], output: FilePath) {
        self.definition = definition
        self.definitionText = definitionText
        self.output = output
    }
}
