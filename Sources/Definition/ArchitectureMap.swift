// SPDX-License-Identifier: Apache-2.0

/// How a distribution names architectures: every name that `mappings.architecture_map` may have.
package enum ArchitectureMap: String, Sendable, Hashable, CaseIterable {
    /// Accepted by name, but there is no such table.
    case almalinux
    case alpinelinux
    case altlinux
    case archlinux
    case centos
    case debian
    case funtoo
    case gentoo
    case openwrt
    case plamolinux
    case slackware
    case voidlinux

    /// The distribution's name where it differs from the one given; nil for a map without a table.
    private var table: [Architecture: String]? {
        switch self {
        case .almalinux: nil
        case .alpinelinux: [.x86_64: "x86_64", .i686: "x86", .armv7l: "armv7"]
        case .altlinux: [.x86_64: "x86_64", .i686: "i586", .aarch64: "aarch64"]
        case .archlinux: [.x86_64: "x86_64", .armv7l: "armv7", .aarch64: "aarch64"]
        case .centos: [.i686: "i386"]
        case .debian:
            [
                .x86_64: "amd64", .i686: "i386", .armv7l: "armhf", .aarch64: "arm64", .ppc: "powerpc",
                .ppc64: "powerpc64", .ppc64le: "ppc64el",
            ]
        case .funtoo:
            [
                .x86_64: "generic_64", .i686: "generic_32", .armv7l: "armv7a_vfpv3_hardfp",
                .aarch64: "arm64_generic",
            ]
        case .gentoo:
            [
                .x86_64: "amd64", .i686: "i686", .armv7l: "armv7a_hardfp", .ppc: "ppc", .ppc64: "ppc64",
                .ppc64le: "ppc64le", .s390x: "s390x",
            ]
        case .openwrt: [.x86_64: "x86-64", .armv7l: "armsr-armv7", .aarch64: "armsr-armv8"]
        case .plamolinux: [.i686: "x86"]
        case .slackware: [.x86_64: "x86_64", .i686: "i586"]
        case .voidlinux: [.x86_64: "x86_64", .i686: "i686", .armv7l: "armv7l", .aarch64: "aarch64"]
        }
    }

    /// The distribution's name of the architecture that the definition calls `name`; `name` itself where the table says
    /// nothing, and always for `armel`. Nil if the map has no table.
    package func mapped(_ name: String) -> String? {
        guard let table else { return nil }
        guard name != "armel", let architecture = Architecture(name: name) else { return name }
        return table[architecture] ?? name
    }
}
