// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemPackage

/// Opens a file or directory of the host by path.
package func openPath(
    _ path: FilePath,
    _ mode: FileDescriptor.AccessMode,
    _ options: FileDescriptor.OpenOptions = [],
    permissions: FilePermissions = FilePermissions(rawValue: 0o644)
) throws(Errno) -> FileDescriptor {
    do {
        return try FileDescriptor.open(path, mode, options: options.union(.closeOnExec), permissions: permissions)
    } catch let error as Errno {
        throw error
    } catch {
        throw Errno.ioError
    }
}

/// Reads a file of the host whole; for small files only.
///
/// - Throws: the system's error, or `fileTooLarge` beyond `limit` bytes.
package func readFile(_ path: FilePath, limit: Int = 64 << 20) throws(Errno) -> [UInt8] {
    let descriptor = try openPath(path, .readOnly)
    defer { try? descriptor.close() }
    return try readAll(descriptor, limit: limit)
}

/// Reads a descriptor to its end.
package func readAll(_ descriptor: FileDescriptor, limit: Int) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = try readBlock(descriptor, &buffer)
        guard bytes.count + count <= limit else { throw Errno.fileTooLarge }
        bytes += buffer.prefix(count)
        if count < buffer.count { return bytes }
    }
}

/// Writes a file of the host, replacing what was there.
package func writeFile(_ path: FilePath, _ bytes: [UInt8], mode: UInt32 = 0o644) throws(Errno) {
    let descriptor = try openPath(path, .writeOnly, [.create, .truncate])
    defer { try? descriptor.close() }
    unsafe try writeAll(descriptor, bytes.span.bytes)
    try descriptor.changeMode(mode)
}

/// The first bytes of a file of the host, at most `count`.
package func readStart(_ path: FilePath, count: Int) throws(Errno) -> [UInt8] {
    let descriptor = try openPath(path, .readOnly)
    defer { try? descriptor.close() }
    var buffer = [UInt8](repeating: 0, count: count)
    let filled = try readBlock(descriptor, &buffer)
    return Array(buffer.prefix(filled))
}

/// At most `count` bytes of a file from a place on; fewer only at its end.
package func readAt(_ file: FileDescriptor, _ offset: Int, _ count: Int) throws(Errno) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
        let result = unsafe buffer.withUnsafeMutableBytes { all in
            unsafe pread(file.rawValue, all.baseAddress.map { unsafe $0 + filled }, count - filled, offset + filled)
        }
        let code = errno
        if result < 0, code == EINTR { continue }
        if result < 0 { throw Errno(rawValue: code) }
        if result == 0 { break }
        filled += result
    }
    return Array(buffer.prefix(filled))
}

/// Empties an open file and goes to its beginning.
package func truncateAndRewind(_ file: FileDescriptor) throws(Errno) {
    if ftruncate(file.rawValue, 0) != 0 || lseek(file.rawValue, 0, SEEK_SET) != 0 { throw Errno(rawValue: errno) }
}

/// A path that does not depend on where a program is started.
package func absolutePath(_ path: FilePath) -> FilePath {
    guard path.isRelative, let here = try? FilePath("/proc/self/cwd").symbolicLinkTarget() else { return path }
    return here.pushing(path).lexicallyNormalized()
}

extension FilePath {
    /// The text of a symbolic link of the host.
    package func symbolicLinkTarget() throws(Errno) -> FilePath {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe withPlatformString { path in
            unsafe text.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return -1 }
                return unsafe readlink(path, base, buffer.count - 1)
            }
        }
        if count < 0 { throw Errno(rawValue: errno) }
        return FilePath(platformString: text)
    }
}

extension FileDescriptor {
    /// Closes a descriptor that was only looked at.
    package func closeQuietly() { try? close() }
}
