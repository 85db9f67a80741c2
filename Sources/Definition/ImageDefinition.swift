// SPDX-License-Identifier: Apache-2.0

/// A definition as it was written: one distribution in all its releases, architectures and variants.
///
/// The keys are those of distrobuilder and of lxd-imagebuilder; the latter's `targets.lxd` and `lxd-agent` are read as
/// `targets.incus` and `incus-agent`.
package struct ImageDefinition: Hashable, Sendable {
    /// `image`.
    package var image = ImageSection()
    /// `source`.
    package var source = SourceSection()
    /// `targets`.
    package var targets = TargetsSection()
    /// `files`, in order.
    package var files: [FileItem] = []
    /// `packages`.
    package var packages = PackagesSection()
    /// `actions`, in order.
    package var actions: [ActionItem] = []
    /// `mappings`.
    package var mappings = MappingsSection()
    /// `environment`.
    package var environment = EnvironmentSection()
    /// `simplestream`: read by tools that publish streams, not by a build.
    package var simplestream = SimplestreamSection()
}

/// An item of a list that filters choose from.
package protocol FilteredItem: Sendable {
    /// When it is used.
    var filter: ItemFilter { get }
    /// Where it was written.
    var position: SourcePosition { get }
}
