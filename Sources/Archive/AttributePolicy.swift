// SPDX-License-Identifier: Apache-2.0

/// Which extended attributes an image may carry.
///
/// File capabilities, POSIX access control lists and the user's own attributes belong to the files. `trusted.*` and the
/// rest of `security.*` belong to the host (overlay layers, mandatory access control labels), so they are left out on
/// both sides.
enum AttributePolicy {
    static func allows(_ name: [UInt8]) -> Bool { omission(name) == nil }

    /// What an attribute counts as that is left out; nil if it is not.
    static func omission(_ name: [UInt8]) -> Omissions.Kind? {
        if name.starts(with: user) || names.contains(name) { return nil }
        if name.starts(with: "security.".utf8) { return .labels }
        if name.starts(with: "trusted.".utf8) { return .trusted }
        return .attributes
    }

    private static let user = Array("user.".utf8)
    private static let names: Set<[UInt8]> = [
        Array("security.capability".utf8), accessList, defaultAccessList,
    ]

    /// The attribute in which the kernel keeps an access control list.
    static let accessList = Array("system.posix_acl_access".utf8)
    /// The one for what is made in a directory.
    static let defaultAccessList = Array("system.posix_acl_default".utf8)
}
