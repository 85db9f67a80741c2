// SPDX-License-Identifier: Apache-2.0

import Definition

/// How one package manager is spoken to: data alone, so that a manager is a table and nothing else.
struct ManagerRules: Sendable {
    /// A command inside the image: a program and its arguments.
    typealias Command = [String]

    /// How repositories are added.
    enum Repositories: Sendable {
        /// The manager knows none; a definition that has some is told so.
        case none
        /// The text of a file in a directory; the suffix is added to a name that lacks it.
        case file(directory: String, suffix: String, before: Command?)
        /// A line at the end of a file that must be there; keys go into a directory under the repository's name.
        case line(file: String, keys: String)
        /// Commands in which `NAME` and `URL` are replaced, by the repository's type; the empty type is the usual one.
        case commands([String: Command])
    }

    /// What is done once before anything else.
    enum Preparation: Sendable {
        case none
        /// pacman's mirrors and keys.
        case pacman
        /// Flags are used only if the output of a command names them.
        case probing(Command)
    }

    /// What comes between the program and the verb's words, for all verbs.
    var common: [String] = []
    /// Commands one after the other; none where the manager has no such step.
    var refresh: [Command] = []
    var update: [Command] = []
    var clean: [Command] = []
    /// Followed by the set's flags and packages; nil where it cannot be done.
    var install: Command?
    var remove: Command?
    var repositories: Repositories = .none
    var preparation: Preparation = .none
    /// Flags that are left out where the manager does not know them (`Preparation.probing`).
    var optionalFlags: Set<String> = []
    /// Directories that are emptied after `clean`.
    var emptied: [String] = []
    /// What is told instead of a step that the manager does not have, by the step.
    var notes: [String: String] = [:]
}

extension ManagerRules {
    /// The rules of a manager by its name in definitions; nil for apt, which has code of its own.
    static func rules(_ manager: PackageManager) -> ManagerRules? {
        switch manager {
        case .apt: nil
        case .anise: .anise
        case .apk: .apk
        case .dnf: .dnf
        case .egoportage: .egoportage
        case .equo: .equo
        case .opkg: .opkg
        case .pacman: .pacman
        case .portage: .portage
        case .slackpkg: .slackpkg
        case .xbps: .xbps
        case .yum: .yum
        case .zypper: .zypper
        }
    }
}
