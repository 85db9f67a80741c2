// SPDX-License-Identifier: Apache-2.0

/// What installs packages: every name that `packages.manager` may have.
package enum PackageManager: String, Sendable, Hashable, CaseIterable {
    case anise
    case apk
    case apt
    case dnf
    case egoportage
    case equo
    case opkg
    case pacman
    case portage
    case slackpkg
    case xbps
    case yum
    case zypper
}
