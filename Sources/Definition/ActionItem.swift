// SPDX-License-Identifier: Apache-2.0

/// One item of `actions`: a script that runs inside the image.
package struct ActionItem: FilteredItem, Hashable {
    package var filter = ItemFilter()
    package var position: SourcePosition = .default
    /// When it runs.
    package var trigger: ActionTrigger = .postUnpack
    /// The script, beginning with `#!`. A template if `pongo`.
    package var action = SourceText("")
    /// Whether the script is a template.
    package var pongo = false
}
