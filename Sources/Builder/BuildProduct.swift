// SPDX-License-Identifier: Apache-2.0

package import Definition
package import SystemPackage

/// What a run makes.
package enum BuildProduct: Sendable, Hashable {
    /// An image directory, with everything that a published image has.
    case image
    /// A root directory alone, for several packs.
    case directory
    /// `meta.tar.xz` and `rootfs.tar.*` of LXC.
    case lxc
    /// `incus.tar.*` and `rootfs.squashfs` of Incus and LXD, or one tarball with both.
    case incus(unified: Bool)

    /// Which kinds of metadata it has.
    package var formats: OutputFormats {
        switch self {
        case .image: [.lxc, .incus]
        case .directory: []
        case .lxc: .lxc
        case .incus: .incus
        }
    }
}

/// What a run starts from.
package enum BuildOrigin: Sendable, Hashable {
    /// The definition's source.
    case source
    /// A root directory that an earlier run made; it is not changed.
    case directory(FilePath)
}

extension BuildOptions {
    /// Which items of the definition apply.
    package var mode: BuildMode {
        if product == .directory { return .directory }
        if case .directory = origin { return .pack(.container) }
        return .build(.container)
    }
}
