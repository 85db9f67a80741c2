// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// Which downloader of a definition is which source.
enum RootSources {
    /// What a build can start from.
    static let downloaders: Set<Downloader> = [
        .alpaquita, .alpinelinux, .alt, .apertis, .archlinux, .busybox, .debootstrap, .docker, .funtoo, .gentoo,
        .opensuse, .openwrt,
        .rootfs, .rpmbootstrap, .ubuntu, .voidlinux,
    ]

    /// The source that the build's definition names.
    ///
    /// - Throws: `DEFINITION` for one that cannot be used yet.
    static func source(_ context: BuildContext) throws(RootcellarError) -> any RootSource {
        let source = context.definition.definition.source
        switch source.downloader {
        case .alpaquita: return AlpaquitaSource(context: context)
        case .alpinelinux: return AlpineSource(context: context)
        case .alt: return AltSource(context: context)
        case .apertis: return ApertisSource(context: context)
        case .archlinux: return ArchSource(context: context)
        case .busybox: return BusyBoxSource(context: context)
        case .docker: return DockerSource(context: context)
        case .rpmbootstrap: return RPMSource(context: context)
        case .funtoo: return FuntooSource(context: context)
        case .gentoo: return GentooSource(context: context)
        case .opensuse: return OpenSUSESource(context: context)
        case .openwrt: return OpenWrtSource(context: context)
        case .ubuntu: return UbuntuSource(context: context)
        case .voidlinux: return VoidSource(context: context)
        case .debootstrap: return DebootstrapSource(context: context)
        case .rootfs: return RootfsSource(context: context)
        default:
            throw RootcellarError(
                .definition,
                "downloader '\(source.downloader.rawValue)' cannot be executed yet",
                subject: "\(source.downloaderPosition)"
            )
        }
    }
}
