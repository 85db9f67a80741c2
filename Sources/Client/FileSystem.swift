// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
import SystemPackage

/// Makes a directory and its missing parents.
///
/// - Throws: an error of class `errorClass` naming the directory.
func makeDirectories(_ path: FilePath, mode: UInt32 = 0o755, _ errorClass: ErrorClass) throws(RootcellarError) {
    if unsafe path.withPlatformString({ unsafe mkdir($0, mode) }) == 0 || errno == EEXIST { return }
    let code = errno
    guard code == ENOENT, path.components.count > 1 else {
        throw systemError(errorClass, "cannot make a directory", Errno(rawValue: code), subject: path.string)
    }
    try makeDirectories(path.removingLastComponent(), mode: mode, errorClass)
    if unsafe path.withPlatformString({ unsafe mkdir($0, mode) }) == 0 || errno == EEXIST { return }
    throw systemError(errorClass, "cannot make a directory", Errno(rawValue: errno), subject: path.string)
}

/// The whole of a file of at most `limit` bytes; nil if there is none.
///
/// - Throws: an error of class `errorClass` if it cannot be read or is longer.
func readFile(_ path: FilePath, limit: Int, _ errorClass: ErrorClass) throws(RootcellarError) -> [UInt8]? {
    do {
        // Without waiting: a FIFO in a directory of others must not hold anybody up.
        let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
        defer { try? file.close() }
        let status = try file.status()
        guard status.kind == .file else { throw RootcellarError(errorClass, "not a file", subject: path.string) }
        let size = status.size
        guard size <= limit else {
            throw RootcellarError(
                errorClass,
                "a file of \(size) bytes where \(limit) are the most",
                subject: path.string
            )
        }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = try readBlock(file, &bytes)
        return Array(bytes.prefix(count))
    } catch let error as RootcellarError {
        throw error
    } catch Errno.noSuchFileOrDirectory {
        return nil
    } catch {
        throw RootcellarError(errorClass, "cannot read: \(error)", subject: path.string)
    }
}

/// Replaces a file by new bytes: written beside it, flushed to the disk and renamed over it, so that at every moment,
/// a power cut included, there is the whole old file or the whole new one. When this throws, it is the old one.
///
/// - Parameter isDurable: whether it has to outlive a power cut. A flush also writes down everything else that the file
///   system has in hand.
func replaceFile(
    _ path: FilePath,
    _ bytes: [UInt8],
    mode: UInt32 = 0o644,
    _ errorClass: ErrorClass,
    isDurable: Bool = true
) throws(RootcellarError) {
    let temporary = FilePath(path.string + ".new")
    do {
        let file = try FileDescriptor.open(
            temporary,
            .writeOnly,
            options: [.create, .truncate, .closeOnExec, .noFollow],
            permissions: FilePermissions(rawValue: mode)
        )
        do {
            defer { try? file.close() }
            try file.changeMode(mode)
            try writeAll(file, unsafe bytes.span.bytes)
            if isDurable { try flush(file) }
        }
        try rename(temporary, to: path)
    } catch {
        removeFile(temporary)
        throw RootcellarError(errorClass, "cannot write: \(error)", subject: path.string)
    }
    guard isDurable else { return }
    // The new file is there. If this fails, all that may happen is that a power cut brings the old one back.
    try? flushDirectory(of: path)
}

/// Takes everything out of a rootfs again but what a new file system has.
func emptyRootfs(_ rootfs: FileDescriptor) throws(RootcellarError) {
    do throws(Errno) {
        try emptyDirectory(rootfs, keeping: [Array("lost+found".utf8)])
    } catch {
        throw systemError(.archive, "cannot empty the rootfs again", error, subject: "")
    }
}

/// Renames over whatever is there.
func rename(_ path: FilePath, to other: FilePath) throws(Errno) {
    let result = unsafe path.withPlatformString { path in
        unsafe other.withPlatformString { other in unsafe Glibc.rename(path, other) }
    }
    if result != 0 { throw Errno(rawValue: errno) }
}

/// fsync(2). A failure is final: the kernel may have dropped the data.
func flush(_ file: FileDescriptor) throws(Errno) {
    if fsync(file.rawValue) != 0 { throw Errno(rawValue: errno) }
}

/// Makes a rename in the directory of `path` durable.
func flushDirectory(of path: FilePath) throws {
    let directory = try FileDescriptor.open(
        path.removingLastComponent(),
        .readOnly,
        options: [.directory, .closeOnExec]
    )
    defer { try? directory.close() }
    try flush(directory)
}

/// Whether a regular file is there.
func isFile(_ path: FilePath) -> Bool {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow]) else { return false }
    defer { try? file.close() }
    return (try? file.status().kind) == .file
}
