// SPDX-License-Identifier: Apache-2.0

/// zypper of openSUSE.
extension ManagerRules {
    static let zypper = ManagerRules(
        common: ["--non-interactive", "--gpg-auto-import-keys"],
        refresh: [["zypper", "refresh"]],
        update: [["zypper", "update"]],
        clean: [["zypper", "clean", "-a"]],
        install: ["zypper", "install", "--allow-downgrade", "--replacefiles"],
        remove: ["zypper", "remove"],
        repositories: .commands([
            "": ["zypper", "ar", "--refresh", "--check", "URL", "NAME"],
            "zypper": ["zypper", "ar", "--refresh", "--check", "URL", "NAME"],
        ])
    )
}
