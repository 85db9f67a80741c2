// SPDX-License-Identifier: Apache-2.0

/// What an image is made for, as the filter `types` says it.
package enum TargetType: String, Sendable, Hashable, CaseIterable {
    /// A system container.
    case container
    /// A virtual machine.
    case vm
}
