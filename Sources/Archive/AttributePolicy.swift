// SPDX-License-Identifier: Apache-2.0

/// Which extended attributes an image may carry.
///
/// File capabilities, POSIX access control lists and the user's own attributes belong to the files. `trusted.*` and the
/// rest of `security.*` belong to the host (overlay layers, mandatory access control labels), so they are left out on
/// both sides.
enum AttributePolicy {
    static func allows(_ name: [UInt8]) -> Bool {
        name.starts(with: user) || names.contains(name)
    }

    private static let user = Array("user.".utf8)
    private static let names: Set<[UInt8]> = [
        Array("security.capability".utf8),
        Array("system.posix_acl_access".utf8),
        Array("system.posix_acl_default".utf8),
    ]
}
