// SPDX-License-Identifier: Apache-2.0

/// The layout of a ustar header block (POSIX.1-2017, pax, "ustar Interchange Format").
enum TarFormat {
    static let block = 512
    static let name = 0..<100
    static let mode = 100..<108
    static let uid = 108..<116
    static let gid = 116..<124
    static let size = 124..<136
    static let modified = 136..<148
    static let checksum = 148..<156
    static let type = 156
    static let linkName = 157..<257
    static let magic = 257..<265
    static let prefix = 345..<500

    /// `ustar` NUL and version `00`.
    static let posixMagic = Array("ustar\u{0}00".utf8)
    /// What GNU tar writes: no NUL, no version.
    static let gnuMagic = Array("ustar  \u{0}".utf8)
    /// Prefix of the pax keywords under which star, GNU tar and libarchive keep extended attributes.
    static let attributePrefix = Array("SCHILY.xattr.".utf8)

    /// Bytes from the end of `size` bytes of content to the next block.
    static func padding(_ size: Int) -> Int { (block - size % block) % block }
}
