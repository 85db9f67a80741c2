// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
package import Model
package import SystemPackage

/// The root being built, as the host works in it: every path is resolved as the image itself would resolve it, by
/// openat2(2) with RESOLVE_IN_ROOT, so that no symbolic link and no `..` of the image reaches the host.
package final class RootfsDirectory {
    /// Where the root is; for messages and for programs that take a path.
    package let path: FilePath
    private let descriptor: FileDescriptor

    /// Opens the root.
    ///
    /// - Throws: `BUILD` if it is not there.
    package init(_ path: FilePath) throws(RootcellarError) {
        self.path = path
        descriptor = try building("open the root", path.string) { () throws(Errno) in
            try openPath(path, .readOnly, .directory)
        }
    }

    deinit { try? descriptor.close() }

    /// The words of a path without empty and `.` ones.
    static func words(_ path: String) -> [[UInt8]] {
        path.utf8.split(separator: 0x2F).map(Array.init).filter { $0 != [0x2E] }
    }

    private static func joined(_ words: some Collection<[UInt8]>) -> [UInt8] {
        words.isEmpty ? [0x2E] : Array(words.joined(separator: [0x2F]))
    }

    /// Opens what `path` leads to inside the root.
    func open(_ path: [UInt8], _ flags: CInt, mode: UInt32 = 0) throws(Errno) -> FileDescriptor {
        guard !path.contains(0) else { throw Errno.invalidArgument }
        let terminated = path.map { CChar(bitPattern: $0) } + [0]
        while true {
            let result = unsafe terminated.withUnsafeBufferPointer { text in
                guard let base = text.baseAddress else { return (file: CInt(-1), code: EINVAL) }
                let file = unsafe clinux_openat2(
                    descriptor.rawValue,
                    base,
                    UInt64(flags),
                    UInt64(mode),
                    CLINUX_RESOLVE_IN_ROOT | CLINUX_RESOLVE_NO_MAGICLINKS
                )
                return (file: file, code: errno)
            }
            if result.file >= 0 { return FileDescriptor(rawValue: result.file) }
            // EAGAIN: the tree changed meanwhile, openat2(2) says to ask again.
            if result.code != EAGAIN, result.code != EINTR { throw Errno(rawValue: result.code) }
        }
    }

    /// What `path` leads to, symbolic links followed; nil if there is nothing.
    func status(_ path: String) -> ObjectStatus? {
        guard let file = try? open(Self.joined(Self.words(path)), CLINUX_O_PATH) else { return nil }
        defer { try? file.close() }
        return try? file.status()
    }

    /// Whether there is a file, directory or anything else at `path`, symbolic links followed.
    package func exists(_ path: String) -> Bool { status(path) != nil }

    /// Whether `path` itself is a directory and no symbolic link to one.
    func isDirectory(_ path: String) -> Bool { kind(path) == .directory }

    /// Whether `path` itself is a regular file.
    func isRegularFile(_ path: String) -> Bool { kind(path) == .file }

    private func kind(_ path: String) -> ObjectStatus.Kind? {
        let words = Self.words(path)
        guard let name = words.last,
            let parent = try? open(Self.joined(words.dropLast()), O_RDONLY | O_DIRECTORY)
        else { return nil }
        defer { try? parent.close() }
        return try? parent.status(of: name).kind
    }

    /// The content of a regular file; nil if there is nothing at `path`.
    ///
    /// - Throws: `BUILD` if it cannot be read, is no regular file, or is larger than `limit` bytes.
    package func read(_ path: String, limit: Int = 64 << 20) throws(RootcellarError) -> [UInt8]? {
        try building("read in the image", path) { () throws(Errno) in
            let file: FileDescriptor
            do throws(Errno) {
                file = try open(Self.joined(Self.words(path)), O_RDONLY | O_NONBLOCK | O_NOCTTY)
            } catch {
                if error == .noSuchFileOrDirectory { return nil }
                throw error
            }
            defer { try? file.close() }
            guard try file.status().kind == .file else { throw Errno.invalidArgument }
            return try readAll(file, limit: limit)
        }
    }

    /// The names in a directory, sorted; none if it is not there.
    package func names(_ path: String) -> [[UInt8]] {
        guard let directory = try? open(Self.joined(Self.words(path)), O_RDONLY | O_DIRECTORY) else { return [] }
        defer { try? directory.close() }
        return (try? directory.names()) ?? []
    }

    /// Writes a file, following a symbolic link inside the root; makes the directories above it (0755).
    ///
    /// - Parameters: mode, uid, gid: what the file gets; without, an existing file keeps its own and a new one is of
    ///   mode 0644 and root's.
    /// - Throws: `BUILD` if that is not possible, or if something other than a regular file is there.
    package func write(
        _ path: String,
        _ bytes: [UInt8],
        mode: UInt32? = nil,
        uid: UInt32? = nil,
        gid: UInt32? = nil
    ) throws(RootcellarError) {
        try write(path, mode: mode, uid: uid, gid: gid) { file throws(Errno) in
            unsafe try writeAll(file, bytes.span.bytes)
        }
    }

    /// The same with content that `body` writes.
    package func write(
        _ path: String,
        mode: UInt32? = nil,
        uid: UInt32? = nil,
        gid: UInt32? = nil,
        _ body: (FileDescriptor) throws(Errno) -> Void
    ) throws(RootcellarError) {
        let words = Self.words(path)
        guard let name = words.last, name != [0x2E, 0x2E], !path.hasSuffix("/") else {
            throw RootcellarError(.build, "not the path of a file", subject: "'\(path)'")
        }
        try makeDirectories(words.dropLast(), path)
        try building("write in the image", path) { () throws(Errno) in
            let flags = O_WRONLY | O_NONBLOCK | O_NOCTTY
            var isNew = false
            let file: FileDescriptor
            do throws(Errno) {
                file = try open(Self.joined(words), flags)
            } catch {
                guard error == .noSuchFileOrDirectory else { throw error }
                file = try open(Self.joined(words), flags | O_CREAT, mode: 0o600)
                isNew = true
            }
            defer { file.closeQuietly() }
            let status = try file.status()
            guard status.kind == .file else { throw Errno.invalidArgument }
            if ftruncate(file.rawValue, 0) != 0 { throw Errno(rawValue: errno) }
            try body(file)
            if uid != nil || gid != nil { try file.changeOwner(uid: uid ?? status.uid, gid: gid ?? status.gid) }
            if let mode = mode ?? (isNew ? 0o644 : nil) { try file.changeMode(mode) }
        }
    }

    /// Makes a directory and those above it (0755), unless they are there.
    ///
    /// - Throws: `BUILD`.
    package func makeDirectory(_ path: String) throws(RootcellarError) {
        try makeDirectories(Self.words(path)[...], path)
    }

    private func makeDirectories(_ words: ArraySlice<[UInt8]>, _ path: String) throws(RootcellarError) {
        try building("make directories in the image", path) { () throws(Errno) in
            for end in words.indices {
                let parent = Self.joined(words[..<end])
                do throws(Errno) {
                    try open(Self.joined(words[...end]), CLINUX_O_PATH | O_DIRECTORY).closeQuietly()
                } catch {
                    guard error == .noSuchFileOrDirectory else { throw error }
                    let directory = try open(parent, O_RDONLY | O_DIRECTORY)
                    defer { try? directory.close() }
                    try directory.makeDirectory(words[end], mode: 0o700)
                    let made = try directory.open(words[end], O_RDONLY | O_DIRECTORY)
                    defer { try? made.close() }
                    try made.changeMode(0o755)
                }
            }
        }
    }

    /// Makes a symbolic link, replacing a file or link of that name; makes the directories above it.
    ///
    /// - Throws: `BUILD`.
    package func link(_ path: String, to text: String) throws(RootcellarError) {
        let words = Self.words(path)
        guard let name = words.last, name != [0x2E, 0x2E] else {
            throw RootcellarError(.build, "not the path of a link", subject: "'\(path)'")
        }
        try makeDirectories(words.dropLast(), path)
        try building("link in the image", path) { () throws(Errno) in
            let directory = try open(Self.joined(words.dropLast()), O_RDONLY | O_DIRECTORY)
            defer { try? directory.close() }
            try? directory.remove(name)
            try directory.makeSymbolicLink(name, to: Array(text.utf8))
        }
    }

    /// Removes what is at `path`, a directory with all that is in it; a symbolic link itself and not what it leads to.
    /// What is not there is fine.
    ///
    /// - Throws: `BUILD` if that is not possible, or if the path is the root itself.
    package func remove(_ path: String) throws(RootcellarError) {
        let words = Self.words(path)
        guard let name = words.last, name != [0x2E, 0x2E] else {
            throw RootcellarError(.build, "refusing to remove the whole root", subject: "'\(path)'")
        }
        try building("remove in the image", path) { () throws(Errno) in
            let directory: FileDescriptor
            do throws(Errno) {
                directory = try open(Self.joined(words.dropLast()), O_RDONLY | O_DIRECTORY)
            } catch {
                if error == .noSuchFileOrDirectory || error == .notDirectory { return }
                throw error
            }
            defer { try? directory.close() }
            do throws(Errno) {
                guard try directory.status(of: name).kind == .directory else { return try directory.remove(name) }
            } catch {
                if error == .noSuchFileOrDirectory { return }
                throw error
            }
            let child = try directory.open(name, O_RDONLY | O_DIRECTORY)
            defer { try? child.close() }
            try emptyDirectory(child)
            try directory.remove(name, directory: true)
        }
    }

    /// Removes everything in a directory but the directory itself; what is not there is fine.
    ///
    /// - Throws: `BUILD`.
    package func empty(_ path: String) throws(RootcellarError) {
        try building("empty in the image", path) { () throws(Errno) in
            guard let directory = try? open(Self.joined(Self.words(path)), O_RDONLY | O_DIRECTORY) else { return }
            defer { try? directory.close() }
            try emptyDirectory(directory)
        }
    }
}
