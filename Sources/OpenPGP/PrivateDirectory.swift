// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A directory of mode 0700 with a short path, for one home of the engine, removed when it is no longer needed.
///
/// It is held by a lock on itself. Directories that a killed process left behind are free of it, and are swept away by
/// the next process of the same user.
final class PrivateDirectory {
    let path: FilePath
    private let descriptor: FileDescriptor
    private var exists = true

    private static let prefix = "rootcellar-pgp-"
    private static let sweepOnce: Void = sweep()

    /// Makes a directory below `parent`, or below the first of a few usual places that allows it.
    ///
    /// - Throws: `SIGNATURE`, because nothing can be verified without it.
    init(below parent: FilePath? = nil) throws(RootcellarError) {
        _ = Self.sweepOnce
        var reason = ""
        for place in parent.map({ [$0] }) ?? Self.places {
            // A sweeper may take a new directory before its lock is held; then there is no link left, and we go on.
            for _ in 0..<8 {
                do {
                    let path = try Self.make(below: place)
                    let descriptor = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
                    if flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0, Self.linkCount(descriptor) > 0 {
                        self.path = path
                        self.descriptor = descriptor
                        return
                    }
                    try? descriptor.close()
                } catch {
                    reason = String(describing: error)
                    break
                }
            }
        }
        throw RootcellarError(
            .signature,
            "cannot make a private directory for gpg (\(reason))",
            subject: (parent ?? Self.places[0]).string
        )
    }

    /// Writes a file of mode 0600.
    func write(_ bytes: [UInt8], to name: String) throws(RootcellarError) {
        let file = path.appending(name)
        do {
            let descriptor = try FileDescriptor.open(
                file,
                .writeOnly,
                options: [.create, .truncate, .closeOnExec, .noFollow],
                permissions: [.ownerReadWrite]
            )
            try descriptor.closeAfter {
                _ = fchmod(descriptor.rawValue, 0o600)  // whatever the umask is
                _ = try descriptor.writeAll(bytes)
            }
        } catch {
            throw RootcellarError(.signature, "cannot write (\(error))", subject: file.string)
        }
    }

    /// Makes a symbolic link.
    func link(_ name: String, to target: FilePath) throws(RootcellarError) {
        let file = path.appending(name)
        guard unsafe symlink(target.string, file.string) == 0 else {
            throw RootcellarError(.signature, "cannot link (\(Errno(rawValue: errno)))", subject: file.string)
        }
    }

    /// Removes the directory and all in it; symbolic links are removed, never followed.
    func remove() {
        guard exists else { return }
        exists = false
        Self.removeTree(path)
        try? descriptor.close()
    }

    deinit { remove() }

    /// Removes what killed processes of this user left in the usual places.
    static func sweep() {
        for place in places { sweep(place) }
    }

    static func sweep(_ place: FilePath) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = place.appending(name)
            guard
                let descriptor = try? FileDescriptor.open(
                    path,
                    .readOnly,
                    options: [.directory, .closeOnExec, .noFollow]
                )
            else { continue }
            defer { try? descriptor.close() }
            var status = stat()
            guard unsafe fstat(descriptor.rawValue, &status) == 0, status.st_uid == geteuid(),
                flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0
            else { continue }
            EngineProcesses.kill(naming: path)
            removeTree(path)
        }
    }

    private static let places: [FilePath] = ["/tmp", "/var/tmp", "/dev/shm"]

    private static func make(below place: FilePath) throws(Errno) -> FilePath {
        var template = Array(place.appending(prefix + "XXXXXX").string.utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe mkdtemp(base) != nil
        }
        guard made else { throw Errno(rawValue: errno) }
        _ = unsafe chmod(&template, 0o700)  // whatever the umask is
        return FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    private static func linkCount(_ descriptor: FileDescriptor) -> Int {
        var status = stat()
        return unsafe fstat(descriptor.rawValue, &status) == 0 ? Int(status.st_nlink) : 0
    }

    /// Depth is two here; the recursion is for directories the engine may add.
    private static func removeTree(_ path: FilePath) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? [] {
            let member = path.appending(name)
            if unsafe unlink(member.string) != 0, errno == EISDIR { removeTree(member) }
        }
        unsafe rmdir(path.string)
    }
}
