// SPDX-License-Identifier: Apache-2.0

/// anise of Macaroni OS.
extension ManagerRules {
    static let anise = ManagerRules(
        refresh: [["anise", "repo", "update", "--force"]],
        update: [["anise", "upgrade", "--sync-repos", "--skip-config-protect"]],
        clean: [["anise", "cleanup", "--purge-repos"]],
        install: ["anise", "install", "--skip-config-protect"],
        remove: ["anise", "uninstall", "--skip-config-protect"],
        repositories: .file(directory: "/etc/anise/repos.conf.d", suffix: ".yml", before: nil)
    )
}
