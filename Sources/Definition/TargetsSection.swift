// SPDX-License-Identifier: Apache-2.0

/// `targets`: what each output format needs.
package struct TargetsSection: Hashable, Sendable {
    /// `lxc`.
    package var lxc = LXCTarget()
    /// `incus`, also written `lxd`.
    package var incus = IncusTarget()
}

/// `targets.lxc`.
package struct LXCTarget: Hashable, Sendable {
    /// A template: what `lxc-create` prints.
    package var createMessage = SourceText("")
    /// Pieces of the container configuration, in order.
    package var config: [LXCConfigItem] = []
}

/// One piece of an LXC container configuration.
package struct LXCConfigItem: FilteredItem, Hashable {
    package var filter = ItemFilter()
    package var position: SourcePosition = .default
    /// `all`, `system` or `user`; others are ignored, with a warning.
    package var type = ""
    /// Only for compatibility levels below this one; 0 if not given.
    package var before: UInt64 = 0
    /// Only for compatibility levels above this one; 0 if not given.
    package var after: UInt64 = 0
    /// A template: lines of configuration.
    package var content = SourceText("")
}

/// `targets.incus`.
package struct IncusTarget: Hashable, Sendable {
    /// Bytes of a virtual machine's disk.
    package var vmSize: UInt64 = 4 << 30
    /// The file system of a virtual machine: `ext4` or `btrfs`.
    package var vmFilesystem = "ext4"
    /// Where the file system was named.
    package var vmFilesystemPosition: SourcePosition = .default
}
