// SPDX-License-Identifier: Apache-2.0

/// `packages`: what is installed and by what.
package struct PackagesSection: Hashable, Sendable {
    /// Where the section begins.
    package var position: SourcePosition = .default
    /// The manager, or nil if there is a custom one.
    package var manager: PackageManager?
    /// Where the manager was named.
    package var managerPosition: SourcePosition = .default
    /// Commands of a manager that has no name here; present if `manager` is nil.
    package var customManager: CustomManager?
    /// Whether to upgrade everything.
    package var update = false
    /// Whether to remove what the manager downloaded.
    package var cleanup = false
    /// What to install and remove, in order.
    package var sets: [PackageSet] = []
    /// Further repositories, in order.
    package var repositories: [RepositoryItem] = []
}

/// One item of `packages.sets`.
package struct PackageSet: FilteredItem, Hashable {
    /// What is done with the packages.
    package enum Action: String, Sendable, Hashable, CaseIterable {
        case install
        case remove
    }

    package var filter = ItemFilter()
    package var position: SourcePosition = .default
    /// Names as the manager knows them.
    package var packages: [String] = []
    /// What is done with them.
    package var action: Action = .install
    /// Whether the bootstrap itself shall do it.
    package var early = false
    /// Further flags of the manager's command.
    package var flags: [String] = []
}

/// One item of `packages.repositories`.
package struct RepositoryItem: FilteredItem, Hashable {
    package var filter = ItemFilter()
    package var position: SourcePosition = .default
    /// The file's name or an alias, by manager.
    package var name = ""
    /// A template: an address, or the content of the repository's file.
    package var url = SourceText("")
    /// A template: an armored key or its id.
    package var key = SourceText("")
    /// Which kind of repository, where a manager knows several.
    package var type = ""
}

/// `packages.custom_manager`: commands with their flags.
package struct CustomManager: Hashable, Sendable {
    /// One of the five commands.
    package struct Verb: Hashable, Sendable {
        /// The program.
        package var command = ""
        /// Its flags, after the manager's common ones.
        package var flags: [String] = []
    }

    /// Where it begins.
    package var position: SourcePosition = .default
    package var clean = Verb()
    package var install = Verb()
    package var remove = Verb()
    package var refresh = Verb()
    package var update = Verb()
    /// Put before the flags of each command.
    package var flags: [String] = []
}
