// SPDX-License-Identifier: Apache-2.0

/// `simplestream`: what lxd-imagebuilder's stream tool reads from the definition. A build does not use it.
package struct SimplestreamSection: Hashable, Sendable {
    /// The distribution's name for people.
    package var distroName = ""
    /// Further names of releases, separated by commas, by release.
    package var releaseAliases: [String: String] = [:]
    /// What an instance needs to run.
    package var requirements: [SimplestreamRequirement] = []
}

/// One item of `simplestream.requirements`.
package struct SimplestreamRequirement: FilteredItem, Hashable {
    package var filter = ItemFilter()
    package var position: SourcePosition = .default
    /// As in `secureboot: false`.
    package var requirements: [String: String] = [:]
}
