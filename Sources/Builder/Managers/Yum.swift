// SPDX-License-Identifier: Apache-2.0

/// yum: the old one, or dnf under its name, which knows more flags.
extension ManagerRules {
    static let yum = ManagerRules(
        common: ["-y", "--allowerasing"],
        refresh: [["yum", "makecache"]],
        update: [["yum", "update", "--nobest"]],
        clean: [["yum", "clean", "all"]],
        install: ["yum", "install"],
        remove: ["yum", "remove"],
        repositories: .file(directory: "/etc/yum.repos.d", suffix: ".repo", before: ["rpmdb", "--rebuilddb"]),
        preparation: .probing(["yum", "--help"]),
        optionalFlags: ["--allowerasing", "--nobest"]
    )
}
