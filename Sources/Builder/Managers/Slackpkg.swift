// SPDX-License-Identifier: Apache-2.0

/// slackpkg of Slackware.
extension ManagerRules {
    static let slackpkg = ManagerRules(
        common: ["-batch=on", "-default_answer=y"],
        refresh: [["slackpkg", "update"]],
        install: ["slackpkg", "install"],
        remove: ["slackpkg", "remove"],
        notes: ["upgrade": "slackpkg is not asked to upgrade; the packages are those of the mirror already"]
    )
}
