// SPDX-License-Identifier: Apache-2.0

/// Where an image's first files come from: every name that `source.downloader` may have.
package enum Downloader: String, Sendable, Hashable, CaseIterable {
    case almalinux = "almalinux-http"
    case alpaquita = "alpaquita-http"
    case alpinelinux = "alpinelinux-http"
    case alt = "alt-http"
    case apertis = "apertis-http"
    case archlinux = "archlinux-http"
    case busybox = "busybox"
    case centos = "centos-http"
    case debootstrap = "debootstrap"
    case docker = "docker-http"
    case fedora = "fedora-http"
    case funtoo = "funtoo-http"
    case gentoo = "gentoo-http"
    case nixos = "nixos-http"
    case openeuler = "openeuler-http"
    case opensuse = "opensuse-http"
    case openwrt = "openwrt-http"
    case oraclelinux = "oraclelinux-http"
    case plamolinux = "plamolinux-http"
    case rockylinux = "rockylinux-http"
    case rootfs = "rootfs-http"
    case rpmbootstrap = "rpmbootstrap"
    case sabayon = "sabayon-http"
    case slackware = "slackware-http"
    case springdalelinux = "springdalelinux-http"
    case ubuntu = "ubuntu-http"
    case voidlinux = "voidlinux-http"
    case vyos = "vyos-http"

    /// Whether early package sets are handed to the bootstrap; with all others `early` means nothing.
    package var takesEarlyPackages: Bool { self == .debootstrap || self == .rpmbootstrap }
}
