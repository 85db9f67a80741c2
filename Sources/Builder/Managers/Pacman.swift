// SPDX-License-Identifier: Apache-2.0

/// pacman of Arch Linux.
extension ManagerRules {
    static let pacman = ManagerRules(
        common: ["--noconfirm"],
        refresh: [["pacman", "-Syy"]],
        update: [["pacman", "-Su"]],
        clean: [["pacman", "-Sc"]],
        install: ["pacman", "-S", "--needed"],
        remove: ["pacman", "-Rcs"],
        preparation: .pacman,
        emptied: ["/var/cache/pacman/pkg"]
    )
}
