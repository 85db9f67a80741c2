// SPDX-License-Identifier: Apache-2.0

import CLinux
import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// What fstat(2) says of an open file, as far as a server needs it.
struct FileStatus: Equatable, Sendable {
    enum Kind: Sendable { case regular, directory, other }

    let kind: Kind
    /// Type and permissions.
    let mode: UInt32
    let inode: UInt64
    /// Bytes.
    let size: Int64
    /// Nanoseconds since the epoch, of the last change of the bytes.
    let modified: Int64
    /// Nanoseconds since the epoch, of the last change of the inode.
    let changed: Int64

    /// The status of an open descriptor; nil if the system refuses, with `errno` set.
    init?(descriptor: CInt) {
        var raw = clinux_status()
        guard unsafe clinux_fstat(descriptor, &raw) == 0 else { return nil }
        switch raw.mode & UInt32(S_IFMT) {
        case UInt32(S_IFREG): kind = .regular
        case UInt32(S_IFDIR): kind = .directory
        default: kind = .other
        }
        mode = raw.mode
        inode = raw.inode
        size = raw.size
        modified = raw.modified
        changed = raw.changed
    }

    /// The status of what a path leads to, links followed; nil if there is nothing.
    init?(path: FilePath) {
        let descriptor = unsafe Glibc.open(path.string, CLINUX_O_PATH | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        self.init(descriptor: descriptor)
    }

    /// `Last-Modified`; never later than `now` (RFC 9110, 8.8.2.1).
    func lastModified(now: Timestamp) -> Timestamp {
        min(Timestamp(seconds: modified / 1_000_000_000), now)
    }
}
