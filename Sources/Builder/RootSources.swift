// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// Which downloader of a definition is which source.
enum RootSources {
    /// What a build can start from.
    static let downloaders: Set<Downloader> = [
        .almalinux, .alpaquita, .alpinelinux, .alt, .apertis, .archlinux, .busybox, .centos, .debootstrap, .docker,
        .fedora, .funtoo, .gentoo, .nixos, .openeuler, .opensuse, .openwrt, .oraclelinux, .plamolinux, .rockylinux,
        .rootfs, .rpmbootstrap,
        .slackware, .springdalelinux, .ubuntu, .voidlinux, .vyos,
    ]
    /// Those that begin with an image of gigabytes, which memory is not the place for.
    static let large: Set<Downloader> = [
        .almalinux, .centos, .openeuler, .oraclelinux, .plamolinux, .rockylinux, .springdalelinux, .vyos,
    ]

    /// Where a build is put together.
    static func scratch(_ options: BuildOptions) -> BuildOptions.Scratch {
        let isLarge = options.origin == .source && large.contains(options.definition.definition.source.downloader)
        return isLarge && options.scratch == .automatic ? .disk : options.scratch
    }

    /// The source that the build's definition names.
    ///
    /// - Throws: `DEFINITION` for one that cannot be used yet.
    static func source(_ context: BuildContext) throws(RootcellarError) -> any RootSource {
        let source = context.definition.definition.source
        switch source.downloader {
        case .almalinux: return AlmaSource(context: context)
        case .centos: return CentOSSource(context: context)
        case .fedora: return FedoraSource(context: context)
        case .plamolinux: return PlamoSource(context: context)
        case .slackware: return SlackwareSource(context: context)
        case .nixos: return NixOSSource(context: context)
        case .openeuler: return OpenEulerSource(context: context)
        case .oraclelinux: return OracleSource(context: context)
        case .rockylinux: return RockySource(context: context)
        case .springdalelinux: return SpringdaleSource(context: context)
        case .vyos: return VyOSSource(context: context)
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
