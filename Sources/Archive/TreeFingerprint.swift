// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage

/// One hash of what lstat(2) says about every object of a tree: kinds, modes, owners, sizes, times, numbers of links,
/// inodes, and the texts of symbolic links.
///
/// It contains the times of the last change of anything (ctime), which the kernel sets and nobody else can. So two equal
/// fingerprints of one place, taken at different times, say that nothing in it was changed in between, without a byte of
/// any file being read. What it cannot see is damage below the file system.
package struct TreeFingerprint {
    private var hasher = SHA256Hasher()

    /// Of no object yet.
    package init() {}

    /// Adds an object; the order has to be that of ``of(_:)``.
    package mutating func add(_ path: [UInt8], _ status: ObjectStatus, linkTarget: [UInt8] = []) {
        let numbers: [Int64] = [
            Int64(status.mode), Int64(status.uid), Int64(status.gid), Int64(status.size), status.modified,
            Int64(status.modifiedNanoseconds), status.changed, Int64(bitPattern: status.links),
            Int64(bitPattern: status.inode),
        ]
        var text = Array("\(status.kind)".utf8)
        for number in numbers { text += Array(" \(number)".utf8) }
        text += [0] + path + [0] + linkTarget + [0]
        hasher.update(unsafe text.span.bytes)
    }

    /// The hash of everything that was added.
    package mutating func finish() -> SHA256Digest { hasher.finish() }

    /// The fingerprint of a tree: directories before what is in them, names sorted by bytes.
    package static func of(_ root: FileDescriptor) throws(Errno) -> SHA256Digest {
        var fingerprint = TreeFingerprint()
        fingerprint.add([], try root.status())
        try fingerprint.walk(root, [])
        return fingerprint.finish()
    }

    private mutating func walk(_ directory: FileDescriptor, _ path: [UInt8]) throws(Errno) {
        for name in try directory.names() {
            let child = path + [UInt8(ascii: "/")] + name
            let status = try directory.status(of: name)
            add(child, status, linkTarget: status.kind == .symbolicLink ? try directory.symbolicLink(name) : [])
            guard status.kind == .directory else { continue }
            let opened = try directory.open(name, O_RDONLY | O_DIRECTORY)
            defer { try? opened.close() }
            try walk(opened, child)
        }
    }
}
