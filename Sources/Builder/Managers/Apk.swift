// SPDX-License-Identifier: Apache-2.0

/// Alpine's and OpenWrt's apk.
extension ManagerRules {
    static let apk = ManagerRules(
        common: ["--no-cache"],
        refresh: [["apk", "update"]],
        update: [["apk", "upgrade"]],
        install: ["apk", "add"],
        remove: ["apk", "del", "--rdepends"],
        repositories: .line(file: "/etc/apk/repositories", keys: "/etc/apk/keys")
    )
}
