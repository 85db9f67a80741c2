// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemPackage

/// A directory of one process beside others of its kind: a lock on itself is held as long as the process lives, and
/// whoever makes the next one removes those that no lock protects. So what a killed process leaves does not stay.
///
/// Only the directories themselves are locked. Their parent may be one that everybody can read, `/tmp` for instance, and
/// whoever can read a directory can hold a lock on it for ever (flock(2)).
package final class LockedDirectory {
    /// Where it is.
    package let path: FilePath
    private let lock: FileDescriptor

    /// Makes one in `parent`, after removing those of the dead.
    ///
    /// - Parameters:
    ///   - parent: a directory.
    ///   - prefix: what the names of all of them begin with, and no other name does.
    package init(in parent: FilePath, prefix: String, mode: UInt32) throws(Errno) {
        let directory = try openPath(parent, .readOnly, .directory)
        defer { directory.closeQuietly() }
        Self.sweep(directory, prefix: prefix)
        // Somebody who sweeps may take a new directory before its lock is held; then there is no link left, or the lock
        // is his for a moment, and the next one is tried.
        for _ in 0..<8 {
            let name = "\(prefix)\(String(UInt64.random(in: .min ... .max), radix: 36))"
            try directory.makeDirectory(Array(name.utf8), mode: mode)
            guard let lock = try? directory.open(Array(name.utf8), O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else {
                continue
            }
            if flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0, try lock.status().links > 0 {
                path = parent.appending(name)
                self.lock = lock
                return
            }
            lock.closeQuietly()
        }
        throw Errno.resourceTemporarilyUnavailable
    }

    deinit { lock.closeQuietly() }

    /// Removes it with all that is in it.
    package func remove() {
        try? emptyDirectory(lock)
        _ = unsafe path.withPlatformString { unsafe rmdir($0) }
    }

    /// Removes those that processes of the same user have left.
    package static func sweep(_ parent: FilePath, prefix: String) throws(Errno) {
        let directory = try openPath(parent, .readOnly, .directory)
        defer { directory.closeQuietly() }
        sweep(directory, prefix: prefix)
    }

    private static func sweep(_ parent: FileDescriptor, prefix: String) {
        for name in (try? parent.names()) ?? [] where name.starts(with: Array(prefix.utf8)) {
            // Others may write into the parent as well.
            guard let stale = try? parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
            defer { stale.closeQuietly() }
            guard (try? stale.status().uid) == geteuid(), flock(stale.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                continue
            }
            try? emptyDirectory(stale)
            try? parent.remove(name, directory: true)
        }
    }
}
