// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
package import Model
package import SystemPackage

/// A lock that the kernel takes back when its holder ends, however it ends (flock(2)).
package final class FileLock {
    private let file: FileDescriptor

    /// Waits for a lock of the cache, telling `onWait` once who has it if somebody else does.
    ///
    /// - Throws: `CACHE` if the lock file cannot be made, or if the lock is not free after the cache's `patience`.
    package init(
        _ path: FilePath,
        of layout: CacheLayout,
        onWait: (String) -> Void = { _ in }
    ) throws(RootcellarError) {
        try layout.makeDirectory(path.removingLastComponent())
        file = try Self.open(path)
        if try Self.take(file, path) { return }
        onWait(Self.holder(of: file))
        var waited = 0
        while try !Self.take(file, path) {
            if Interruption.isRequested {
                try? file.close()
                throw RootcellarError(.cache, "interrupted", subject: path.string)
            }
            guard waited < layout.patience * 10 else {
                let holder = Self.holder(of: file)
                try? file.close()
                throw RootcellarError(
                    .cache,
                    "\(holder) has had this lock for \(layout.patience) seconds",
                    subject: path.string,
                    hint: "wait for it or end it, and run this again"
                )
            }
            usleep(100_000)
            waited += 1
        }
    }

    /// Takes a lock of the cache if it is free; nil if it is not.
    package init?(ifFree path: FilePath, of layout: CacheLayout) {
        guard (try? layout.makeDirectory(path.removingLastComponent())) != nil, let opened = try? Self.open(path)
        else { return nil }
        file = opened
        guard (try? Self.take(opened, path)) == true else {
            try? opened.close()
            return nil
        }
    }

    deinit { try? file.close() }

    private static func open(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        do {
            let file = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
            CacheOwners.current.adopt(file, in: path.removingLastComponent())
            return file
        } catch {
            throw RootcellarError(.cache, "cannot open a lock: \(error)", subject: path.string)
        }
    }

    private static func take(_ file: FileDescriptor, _ path: FilePath) throws(RootcellarError) -> Bool {
        if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { return true }
        let code = errno
        if code == EWOULDBLOCK || code == EINTR { return false }
        throw systemError(.cache, "cannot lock", Errno(rawValue: code), subject: path.string)
    }

    /// Who has the lock, by the kernel's own list (proc_locks(5)).
    private static func holder(of file: FileDescriptor) -> String {
        guard let inode = try? file.status().inode, let locks = readSmallFile("/proc/locks") else {
            return "another process"
        }
        for line in locks.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 5, fields[1] == "FLOCK", fields[5].hasSuffix(":\(inode)"), let id = Int(fields[4]),
                id > 0
            else { continue }
            // The one that took the lock may have left it to a child.
            guard let name = readSmallFile(FilePath("/proc/\(id)/comm")) else { break }
            return "another process (\(id), \(printable(trimmed(name.prefix { $0 != "\n" }))))"
        }
        return "another process"
    }
}
