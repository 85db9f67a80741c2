// SPDX-License-Identifier: Apache-2.0

/// `environment`: what scripts find in theirs.
package struct EnvironmentSection: Hashable, Sendable {
    /// Whether the builder's own variables are left out.
    package var clearDefaults = false
    /// Variables, in order; later ones win.
    package var variables: [EnvironmentVariable] = []
}

/// One item of `environment.variables`.
package struct EnvironmentVariable: FilteredItem, Hashable {
    package var filter = ItemFilter()
    package var position: SourcePosition = .default
    package var key = ""
    package var value = ""
}
