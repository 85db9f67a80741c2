// SPDX-License-Identifier: Apache-2.0

/// equo of Sabayon, with enman for its overlays.
extension ManagerRules {
    static let equo = ManagerRules(
        refresh: [["equo", "update"]],
        update: [["equo", "upgrade"]],
        clean: [["equo", "cleanup"]],
        install: ["equo", "install"],
        remove: ["equo", "remove"],
        repositories: .commands([
            "": ["equo", "repo", "add", "--repo", "URL", "--pkg", "URL", "NAME"],
            "equo": ["equo", "repo", "add", "--repo", "URL", "--pkg", "URL", "NAME"],
            "enman": ["enman", "add", "URL"],
        ])
    )
}
