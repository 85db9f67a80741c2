// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
package import Model
import SystemPackage

/// The cache as directories: who may have made them, how they are made, and how a small file is replaced.
extension CacheLayout {
    /// Checks that nobody else has a hand in the cache, and sweeps what killed processes left in it. Everything that
    /// uses the cache begins with this; a cache that does not exist yet is fine.
    ///
    /// - Throws: `CACHE`.
    package func prepare() throws(RootcellarError) {
        do {
            let base = try FileDescriptor.open(base, .readOnly, options: [.closeOnExec, Self.asPlace])
            defer { try? base.close() }
            try CacheOwners.current.check(base.status(), self.base, isShared: true)
            guard let status = try Self.status("rootcellar", in: base) else { return }
            try CacheOwners.current.check(status, root)
            let root = try base.openDirectoryBeneath(Array("rootcellar".utf8))
            defer { try? root.close() }
            for name in Self.directories {
                guard let status = try Self.status(name, in: root) else { continue }
                try CacheOwners.current.check(status, self.root.appending(name))
            }
        } catch let error as RootcellarError {
            throw error
        } catch Errno.noSuchFileOrDirectory {
            return
        } catch {
            throw RootcellarError(.cache, "cannot use the cache: \(error)", subject: root.string)
        }
        sweepTemporaries()
    }

    /// O_PATH: to look at, not to read.
    private static let asPlace = FileDescriptor.OpenOptions(rawValue: CLINUX_O_PATH)

    /// What is there; nil for nothing. The path has no symbolic link before its end.
    private static func status(_ path: String, in directory: FileDescriptor) throws(Errno) -> ObjectStatus? {
        do throws(Errno) { return try directory.status(of: path.utf8) } catch {
            if error == .noSuchFileOrDirectory || error == .notDirectory { return nil }
            throw error
        }
    }

    /// Makes a directory of the cache, and those above it.
    ///
    /// - Throws: `CACHE`.
    func makeDirectory(_ path: FilePath) throws(RootcellarError) {
        func make() -> CInt { unsafe path.withPlatformString { unsafe mkdir($0, 0o755) } == 0 ? 0 : errno }
        var code = make()
        if code == ENOENT, path.components.count > 1 {
            try makeDirectory(path.removingLastComponent())
            code = make()
        }
        if code == EEXIST { return }
        guard code == 0 else {
            throw systemError(.cache, "cannot make a directory", Errno(rawValue: code), subject: path.string)
        }
        guard CacheOwners.current.isNamespace,
            let made = try? FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
        else { return }
        CacheOwners.current.adopt(made, in: path.removingLastComponent())
        try? made.close()
    }

    /// Replaces a small file: written under a name of its own, flushed to the disk and renamed, so that at every moment,
    /// a power cut included, there is the whole old file or the whole new one. While it is written it is locked, which
    /// tells it from what a killed process left.
    ///
    /// - Parameter isDurable: whether a power cut may cost it. What only names objects is looked for again without it.
    /// - Throws: `CACHE`.
    func replace(_ path: FilePath, by bytes: [UInt8], isDurable: Bool = true) throws(RootcellarError) {
        try makeDirectory(temporaries)
        try makeDirectory(path.removingLastComponent())
        var temporary: FilePath?
        do {
            let (file, name) = try makeTemporary()
            defer { try? file.close() }
            temporary = name
            try file.changeMode(0o644)
            CacheOwners.current.adopt(file, in: path.removingLastComponent())
            try writeAll(file, unsafe bytes.span.bytes)
            if isDurable { try flush(file) }
            try rename(name, to: path)
            temporary = nil
            if isDurable { try flushDirectory(of: path) }
        } catch {
            if let temporary { removeFile(temporary) }
            throw RootcellarError(
                .cache,
                "cannot write: \(error)",
                subject: path.string,
                hint: (error as? Errno) == .noSpace ? "free some space on that file system" : nil
            )
        }
    }

    /// A new locked file that nobody else knows.
    private func makeTemporary() throws -> (FileDescriptor, FilePath) {
        while true {
            let name = temporaries.appending(String(UInt64.random(in: 0 ... .max), radix: 16))
            let file = try FileDescriptor.open(
                name,
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
            // Between these two calls a sweep may have come by and taken it for a leftover.
            while flock(file.rawValue, LOCK_EX) != 0 {
                let code = errno
                guard code == EINTR else {
                    try? file.close()
                    removeFile(name)
                    throw Errno(rawValue: code)
                }
            }
            if try file.status().links > 0 { return (file, name) }
            try file.close()
        }
    }

    /// Removes what killed processes left of small files.
    private func sweepTemporaries() {
        for name in Self.names(temporaries) {
            let path = temporaries.appending(name)
            guard
                let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
            else { continue }
            if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { removeFile(path) }
            try? file.close()
        }
    }

    /// The names in a directory; none if it is not there.
    static func names(_ directory: FilePath) -> [String] {
        guard let opened = try? FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
        else { return [] }
        defer { try? opened.close() }
        return ((try? opened.names()) ?? []).map { String(decoding: $0, as: UTF8.self) }
    }
}
