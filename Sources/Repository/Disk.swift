// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// What is done to files and directories of a tree. Everything written is on the disk when a call returns; modes do not
/// depend on the umask; symbolic links at the end of a path are never followed.
enum Disk {
    /// Makes a directory; one that exists is left alone.
    static func makeDirectory(_ path: FilePath, mode: mode_t = 0o755) throws(RootcellarError) {
        guard unsafe mkdir(path.string, mode) == 0 else {
            let error = Errno(rawValue: errno)
            if error == .fileExists, isDirectory(path) { return }
            throw fault("cannot make the directory", path, error)
        }
        guard unsafe chmod(path.string, mode) == 0 else { throw fault("cannot chmod", path, Errno(rawValue: errno)) }
    }

    /// Makes every directory of `relative` below `root`, each synced into its parent.
    static func makeDirectories(_ relative: String, below root: FilePath) throws(RootcellarError) {
        var path = root
        for part in relative.split(separator: "/") {
            let next = path.appending(String(part))
            if !isDirectory(next) {
                try makeDirectory(next)
                try syncDirectory(path)
            }
            path = next
        }
    }

    static func isDirectory(_ path: FilePath) -> Bool {
        var status = stat()
        return unsafe lstat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: FilePath) -> Bool {
        var status = stat()
        return unsafe lstat(path.string, &status) == 0
    }

    /// Names in a directory, in no order; none if there is no directory.
    static func members(_ path: FilePath) throws(RootcellarError) -> [String] {
        guard exists(path) else { return [] }
        do { return try FileManager.default.contentsOfDirectory(atPath: path.string) } catch {
            throw RootcellarError(.repository, "cannot be listed", subject: path.string)
        }
    }

    /// A whole small file.
    ///
    /// - Throws: `SIZE` over `limit`, `REPOSITORY` otherwise.
    static func read(_ path: FilePath, limit: Int) throws(RootcellarError) -> [UInt8] {
        let file = try open(path)
        defer { try? file.close() }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count: Int
            do { count = try unsafe buffer.withUnsafeMutableBytes { unsafe try file.read(into: $0) } } catch {
                throw fault("cannot be read", path, error)
            }
            if count == 0 { return result }
            result += buffer.prefix(count)
            guard result.count <= limit else {
                throw RootcellarError(.size, "more than \(limit) bytes", subject: path.string)
            }
        }
    }

    /// Opens a regular file for reading.
    static func open(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.noFollow, .closeOnExec, .nonBlocking])
        } catch { throw fault("cannot be opened", path, error) }
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            try? file.close()
            throw RootcellarError(.repository, "not a regular file", subject: path.string)
        }
        return file
    }

    /// Writes a new file.
    static func write(_ bytes: [UInt8], to path: FilePath, mode: mode_t = 0o644) throws(RootcellarError) {
        do {
            let file = try FileDescriptor.open(
                path,
                .writeOnly,
                options: [.create, .truncate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
            try file.closeAfter {
                guard fchmod(file.rawValue, mode) == 0 else { throw Errno(rawValue: errno) }
                try file.writeAll(bytes)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch { throw fault("cannot be written", path, error) }
    }

    /// Moves a file that somebody else wrote to where it can be published.
    static func publish(_ from: FilePath, as to: FilePath) throws(RootcellarError) {
        do {
            let file = try FileDescriptor.open(from, .readWrite, options: [.noFollow, .closeOnExec])
            try file.closeAfter {
                guard fchmod(file.rawValue, 0o644) == 0, fsync(file.rawValue) == 0 else {
                    throw Errno(rawValue: errno)
                }
            }
        } catch { throw fault("cannot be written", from, error) }
        try rename(from, to: to)
    }

    /// Puts a file or directory in its place, over what is there; the new name is on the disk afterwards.
    static func rename(_ from: FilePath, to: FilePath) throws(RootcellarError) {
        guard unsafe Glibc.rename(from.string, to.string) == 0 else {
            throw fault("cannot be renamed to \(to)", from, Errno(rawValue: errno))
        }
        try syncDirectory(to.removingLastComponent())
    }

    /// Gives a file a second name.
    static func link(_ from: FilePath, to: FilePath) throws(RootcellarError) {
        guard unsafe Glibc.link(from.string, to.string) == 0 else {
            throw fault("cannot be linked to \(to)", from, Errno(rawValue: errno))
        }
    }

    static func syncDirectory(_ path: FilePath) throws(RootcellarError) {
        do {
            // What is above a bare name is the current directory.
            let place = path.isEmpty ? "." : path
            let directory = try FileDescriptor.open(place, .readOnly, options: [.directory, .closeOnExec])
            try directory.closeAfter { guard fsync(directory.rawValue) == 0 else { throw Errno(rawValue: errno) } }
        } catch { throw fault("cannot be synced", path, error) }
    }

    /// Removes a file or a whole tree; what is not there is fine. Links are removed, not followed.
    static func remove(_ path: FilePath) throws(RootcellarError) {
        if unsafe unlink(path.string) == 0 { return }
        let error = Errno(rawValue: errno)
        if error == .noSuchFileOrDirectory || error == .notDirectory { return }
        guard isDirectory(path) else { throw fault("cannot be removed", path, error) }
        for name in try members(path) { try remove(path.appending(name)) }
        guard unsafe rmdir(path.string) == 0 else { throw fault("cannot be removed", path, Errno(rawValue: errno)) }
    }

    /// Removes a file or a whole tree so that no reader sees a part of it: it is moved away as a whole first.
    ///
    /// - Parameter place: a free name on the same file system.
    static func discard(_ path: FilePath, through place: FilePath) throws(RootcellarError) {
        guard exists(path) else { return }
        try remove(place)
        try rename(path, to: place)
        try syncDirectory(path.removingLastComponent())
        try remove(place)
    }

    /// Bytes of a file, or of all files below a directory; none of what is not there.
    static func size(_ path: FilePath) throws(RootcellarError) -> Int {
        var status = stat()
        guard unsafe lstat(path.string, &status) == 0 else { return 0 }
        guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
        var bytes = 0
        for name in try members(path) { bytes += try size(path.appending(name)) }
        return bytes
    }

    /// Where a symbolic link points; nil if it is none.
    static func linkTarget(_ path: FilePath) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path.string)
    }

    static func fault(_ what: String, _ path: FilePath, _ error: any Error) -> RootcellarError {
        RootcellarError(.repository, "\(what) (\(error))", subject: path.string)
    }
}
