// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import SystemPackage

/// What an object in a directory is and how big, from lstat(2).
package struct ObjectStatus: Sendable, Equatable {
    /// The kinds that a tree is made of.
    package enum Kind: Sendable, Equatable { case file, directory, symbolicLink, fifo, socket, device }

    package var kind: Kind
    /// Permission bits with set-id and sticky bits.
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    package var size: Int
    /// Seconds of Unix time, and the nanoseconds behind them.
    package var modified: Int64
    package var modifiedNanoseconds: UInt32
    /// When anything of the object last changed, in nanoseconds of Unix time. Nobody can set it.
    package var changed: Int64
    package var links: UInt64
    package var inode: UInt64
    package var fileSystem: UInt64

    init(_ status: Glibc.stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .device
            }
        mode = status.st_mode & 0o7777
        uid = status.st_uid
        gid = status.st_gid
        size = Int(status.st_size)
        modified = Int64(status.st_mtim.tv_sec)
        modifiedNanoseconds = UInt32(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
        links = UInt64(status.st_nlink)
        inode = UInt64(status.st_ino)
        fileSystem = UInt64(status.st_dev)
    }
}

/// Operations on names inside an open directory: every one is relative to the descriptor, none follows a symbolic link,
/// and names are bytes. Each is named after the system call behind it.
extension FileDescriptor {
    /// Opens `path` below this directory without passing any symbolic link or leaving the directory (openat2(2) with
    /// RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS); an empty path is the directory itself.
    package func openBeneath(
        _ path: some Collection<UInt8>,
        _ flags: CInt,
        mode: UInt32 = 0
    ) throws(Errno) -> FileDescriptor {
        let path = path.isEmpty ? [UInt8(ascii: ".")] : Array(path)
        while true {
            do throws(Errno) {
                return FileDescriptor(
                    rawValue: try unsafe withCPath(path) { path throws(Errno) in
                        try retrying {
                            unsafe clinux_openat2(
                                rawValue,
                                path,
                                UInt64(flags | O_NOFOLLOW),
                                UInt64(mode),
                                CLINUX_RESOLVE_BENEATH | CLINUX_RESOLVE_NO_SYMLINKS
                            )
                        }
                    }
                )
            } catch {
                // The tree changed meanwhile: openat2(2) says to ask again.
                if error != .resourceTemporarilyUnavailable { throw error }
            }
        }
    }

    /// Opens a directory below this one only as a place to work in.
    package func openDirectoryBeneath(_ path: some Collection<UInt8>) throws(Errno) -> FileDescriptor {
        try openBeneath(path, CLINUX_O_PATH | O_DIRECTORY)
    }

    /// Opens a name in this directory.
    package func open(_ name: some Collection<UInt8>, _ flags: CInt, mode: UInt32 = 0) throws(Errno) -> FileDescriptor {
        unsafe FileDescriptor(
            rawValue: try call(name) { unsafe clinux_openat(rawValue, $0, flags | O_NOFOLLOW | O_CLOEXEC, mode) }
        )
    }

    /// Makes a new file for writing; fails if the name is taken.
    package func createFile(_ name: some Collection<UInt8>, mode: UInt32) throws(Errno) -> FileDescriptor {
        try open(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    }

    /// Makes a directory.
    package func makeDirectory(_ name: some Collection<UInt8>, mode: UInt32) throws(Errno) {
        _ = try unsafe call(name) { unsafe mkdirat(rawValue, $0, mode) }
    }

    /// Makes a symbolic link of this text.
    package func makeSymbolicLink(_ name: some Collection<UInt8>, to text: [UInt8]) throws(Errno) {
        _ = try unsafe withCPath(text) { text throws(Errno) in
            try unsafe call(name) { unsafe symlinkat(text, rawValue, $0) }
        }
    }

    /// Makes another name for a file in `directory`.
    package func makeHardLink(
        _ name: some Collection<UInt8>,
        to target: some Collection<UInt8>,
        in directory: FileDescriptor
    ) throws(Errno) {
        _ = try unsafe withCPath(target) { target throws(Errno) in
            try unsafe call(name) { unsafe linkat(directory.rawValue, target, rawValue, $0, 0) }
        }
    }

    /// Makes a FIFO.
    package func makeFIFO(_ name: some Collection<UInt8>, mode: UInt32) throws(Errno) {
        _ = try unsafe call(name) { unsafe mkfifoat(rawValue, $0, 0o600) }
        // Only just made, in a directory that nobody else reaches, so it is no symbolic link.
        _ = try unsafe call(name) { unsafe fchmodat(rawValue, $0, mode, 0) }
    }

    /// What a name in this directory is.
    package func status(of name: some Collection<UInt8>) throws(Errno) -> ObjectStatus {
        var status = Glibc.stat()
        _ = try unsafe call(name) { unsafe fstatat(rawValue, $0, &status, AT_SYMLINK_NOFOLLOW) }
        return ObjectStatus(status)
    }

    /// What this descriptor is open on.
    package func status() throws(Errno) -> ObjectStatus {
        var status = Glibc.stat()
        _ = try retrying { unsafe fstat(rawValue, &status) }
        return ObjectStatus(status)
    }

    /// Gives a name in this directory to an owner.
    package func changeOwner(of name: some Collection<UInt8>, uid: UInt32, gid: UInt32) throws(Errno) {
        _ = try unsafe call(name) { unsafe fchownat(rawValue, $0, uid, gid, AT_SYMLINK_NOFOLLOW) }
    }

    /// Sets the time of last modification of a name in this directory.
    package func setModified(
        of name: some Collection<UInt8>,
        _ seconds: Int64,
        _ nanoseconds: UInt32 = 0
    ) throws(Errno) {
        _ = try unsafe call(name) { unsafe clinux_set_modified_at(rawValue, $0, seconds, nanoseconds) }
    }

    /// Sets the time of last modification of what this descriptor is open on.
    package func setModified(_ seconds: Int64, _ nanoseconds: UInt32 = 0) throws(Errno) {
        _ = try retrying { clinux_set_modified(rawValue, seconds, nanoseconds) }
    }

    /// Makes this file's content that of another, from where both stand: shared where the file system can do that, copied
    /// by the kernel where it cannot (copy_file_range(2)).
    package func copyRange(from other: FileDescriptor, size: Int) throws(Errno) {
        var left = size
        while left > 0 {
            let count = clinux_copy_file_range(other.rawValue, rawValue, left)
            if count < 0 {
                let code = errno
                guard code == EINTR else { throw Errno(rawValue: code) }
                continue
            }
            guard count > 0 else { throw Errno.ioError }
            left -= count
        }
    }

    /// Removes a name; a directory has to be empty and named as one.
    package func remove(_ name: some Collection<UInt8>, directory: Bool = false) throws(Errno) {
        _ = try unsafe call(name) { unsafe unlinkat(rawValue, $0, directory ? AT_REMOVEDIR : 0) }
    }

    /// Renames a name in this directory over another name in it.
    package func rename(_ name: some Collection<UInt8>, to other: some Collection<UInt8>) throws(Errno) {
        _ = try unsafe withCPath(other) { other throws(Errno) in
            try unsafe call(name) { unsafe renameat(rawValue, $0, rawValue, other) }
        }
    }

    /// The text of a symbolic link.
    package func symbolicLink(_ name: some Collection<UInt8>) throws(Errno) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: 4096)
        let count = try unsafe withCPath(name) { name throws(Errno) in
            try retrying {
                unsafe text.withUnsafeMutableBytes { buffer in
                    unsafe clinux_readlinkat(rawValue, name, buffer.baseAddress, buffer.count)
                }
            }
        }
        return Array(text.prefix(Int(count)))
    }

    /// The names in this directory, without `.` and `..`, sorted by bytes. The descriptor stays open.
    package func names() throws(Errno) -> [[UInt8]] {
        // A descriptor of its own, because closedir(3) closes what fdopendir(3) was given.
        let copy = try open([UInt8(ascii: ".")], O_RDONLY | O_DIRECTORY)
        guard let stream = unsafe fdopendir(copy.rawValue) else {
            let code = errno
            try? copy.close()
            throw Errno(rawValue: code)
        }
        defer { unsafe closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                let code = errno
                if code != 0 { throw Errno(rawValue: code) }
                break
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
        }
        names.sort { $0.lexicographicallyPrecedes($1) }
        return names
    }

    private func call(
        _ name: some Collection<UInt8>,
        _ body: (UnsafePointer<CChar>) -> CInt
    ) throws(Errno) -> CInt {
        try unsafe withCPath(name) { name throws(Errno) in try retrying { unsafe body(name) } }
    }
}
