// SPDX-License-Identifier: Apache-2.0

/// When a script of `actions` is run.
package enum ActionTrigger: String, Sendable, Hashable, CaseIterable {
    /// After the downloader, before any package work.
    case postUnpack = "post-unpack"
    /// After the upgrade; only if `packages.update` asks for one.
    case postUpdate = "post-update"
    /// After packages are installed and removed.
    case postPackages = "post-packages"
    /// After the generators, as the last change of the tree.
    case postFiles = "post-files"

    /// Where filters place the actions of this trigger.
    package var place: ItemPlace { self == .postFiles ? .files : .steps }
}
