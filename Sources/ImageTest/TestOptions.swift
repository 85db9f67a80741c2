// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// What a test of an image can be told.
package struct TestOptions: Sendable {
    /// A way to boot an image.
    package enum Way: String, Sendable, CaseIterable {
        /// LXC, the container's root being the machine's.
        case lxc
        /// LXC in a user namespace.
        case lxcUnprivileged = "lxc-unprivileged"
        case lxd
        case incus
    }

    /// The image directory.
    package var image: FilePath
    /// Which ways to boot it are tried.
    package var ways: [Way] = Way.allCases
    /// How many seconds an image may take to boot.
    package var bootSeconds = 120
    /// Puts the files on disk even if they fit into memory; for tests.
    package var usesDisk = false

    /// Options for an image.
    package init(image: FilePath) { self.image = image }
}
