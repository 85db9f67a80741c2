// SPDX-License-Identifier: Apache-2.0

/// dnf of Fedora and what is made of it.
extension ManagerRules {
    static let dnf = ManagerRules(
        common: ["-y"],
        refresh: [["dnf", "makecache"]],
        update: [["dnf", "upgrade", "--nobest"]],
        clean: [["dnf", "clean", "all"]],
        install: ["dnf", "install", "--nobest"],
        remove: ["dnf", "remove"],
        repositories: .file(directory: "/etc/yum.repos.d", suffix: ".repo", before: nil)
    )
}
