// SPDX-License-Identifier: Apache-2.0

/// xbps of Void Linux. It is told to update twice: the first time it may only replace itself (xbps-install(1)).
extension ManagerRules {
    static let xbps = ManagerRules(
        refresh: [["xbps-install", "--sync"]],
        update: [["xbps-install", "--yes", "--update"], ["xbps-install", "--yes", "--update"]],
        clean: [["xbps-remove", "--yes", "--clean-cache"]],
        install: ["xbps-install", "--yes"],
        remove: ["xbps-remove", "--yes", "--recursive", "--remove-orphans"]
    )
}
