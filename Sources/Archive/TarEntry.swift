// SPDX-License-Identifier: Apache-2.0

/// One member of a tar archive, as far as a rootfs needs it. Names are bytes: nothing says that they are UTF-8.
package struct TarEntry: Sendable, Equatable {
    /// What a member is.
    package enum Kind: Sendable, Equatable {
        case file
        case directory
        case symbolicLink
        case hardLink
        case fifo
        case device
    }

    /// An extended attribute.
    package struct Attribute: Sendable, Equatable {
        /// The whole name with its namespace, as in `security.capability`.
        package var name: [UInt8]
        package var value: [UInt8]

        /// An attribute of this name and value.
        package init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// A piece of a file with holes.
    package struct Extent: Sendable, Equatable {
        package var offset: Int
        package var count: Int
    }

    /// The path below the root directory without `./` and trailing slash; empty for the root directory itself.
    package var path: [UInt8]
    package var kind: Kind
    /// Permission bits with set-id and sticky bits: 0 to 0o7777.
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    /// Bytes of the file, its holes included; 0 for everything but files.
    package var size: Int
    /// Seconds of Unix time.
    package var modified: Int64
    /// What comes on top of the seconds.
    package var modifiedNanoseconds: UInt32 = 0
    /// Of a symbolic link, its text; of a hard link, the path of its first name in the form of `path`.
    package var linkTarget: [UInt8]
    package var attributes: [Attribute]
    /// Where the content of a file with holes belongs, in order; nil for a file without.
    package var extents: [Extent]?
    /// What the archive says of this member that nobody could apply.
    package var leftOut = Omissions()

    /// A member.
    package init(
        path: [UInt8],
        kind: Kind,
        mode: UInt32,
        uid: UInt32 = 0,
        gid: UInt32 = 0,
        size: Int = 0,
        modified: Int64 = 0,
        linkTarget: [UInt8] = [],
        attributes: [Attribute] = []
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.size = size
        self.modified = modified
        self.linkTarget = linkTarget
        self.attributes = attributes
    }
}

/// The most that one archive may ask of whoever reads it.
package struct TarLimits: Sendable {
    /// Members.
    package var entries = 2_000_000
    /// Sum of the contents of all files, in bytes.
    package var contentBytes = 64 << 30
    /// Bytes of one path.
    package var path = 4096
    /// Bytes of one component of a path.
    package var component = 255
    /// Components of one path.
    package var depth = 64
    /// Extended attributes of one member.
    package var attributes = 64
    /// Bytes of all extended attributes of one member.
    package var attributeBytes = 64 << 10
    /// Pieces of one sparse file.
    package var sparseExtents = 65536
    /// The newest time of a member; later ones are taken for it. By default what ext4 can hold.
    package var newest: Int64 = 15_032_385_535
    /// Bytes of one extended header.
    package var extendedHeader = 1 << 20

    /// The limits for archives of which nothing is known.
    package init() {}
}
