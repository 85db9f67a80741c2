// SPDX-License-Identifier: Apache-2.0

/// Gentoo's portage. The tree comes with the stage and is not fetched again.
extension ManagerRules {
    static let portage = ManagerRules(
        update: [["emerge", "--update", "@world"]],
        install: ["emerge", "--autounmask-continue"],
        remove: ["emerge", "--unmerge"]
    )
}
