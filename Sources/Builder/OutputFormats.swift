// SPDX-License-Identifier: Apache-2.0

/// Which kinds of image one root is packed into.
package struct OutputFormats: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// LXC's `meta.tar.xz` beside the root.
    package static let lxc = OutputFormats(rawValue: 1)
    /// The `incus.tar.xz` of Incus and LXD beside the root.
    package static let incus = OutputFormats(rawValue: 2)
}
