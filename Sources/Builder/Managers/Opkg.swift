// SPDX-License-Identifier: Apache-2.0

/// opkg of OpenWrt until 24.10, where /var leads to /tmp.
extension ManagerRules {
    static let opkg = ManagerRules(
        refresh: [["mkdir", "-p", "/var/lock"], ["opkg", "update"]],
        clean: [["rm", "-rf", "/tmp/opkg-lists/"]],
        install: ["opkg", "install"],
        remove: ["opkg", "remove"],
        notes: ["upgrade": "opkg cannot upgrade everything; nothing is upgraded"]
    )
}
