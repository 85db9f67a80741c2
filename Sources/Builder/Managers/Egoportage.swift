// SPDX-License-Identifier: Apache-2.0

/// Funtoo's portage, whose tree ego keeps.
extension ManagerRules {
    static let egoportage = ManagerRules(
        refresh: [["ego", "sync"]],
        update: [["emerge", "--update", "@world"]],
        install: ["emerge", "--autounmask-continue", "--quiet-build=y"],
        remove: ["emerge", "--unmerge"]
    )
}
