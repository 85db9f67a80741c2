// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// A directory of a run's own on the machine. Its lock is held as long as the run lives; the next run removes those that
/// no lock protects.
final class ScratchPlace {
    private static let prefix = "rootcellar-test-"
    let path: FilePath
    private let lock: FileDescriptor

    /// Makes one in `directory`.
    init(in directory: FilePath) throws(RootcellarError) {
        do throws(Errno) {
            let parent = try openPath(directory, .readOnly, .directory)
            defer { parent.closeQuietly() }
            // Between making a directory and locking it, nobody may sweep.
            if flock(parent.rawValue, LOCK_EX) != 0 { throw Errno(rawValue: errno) }
            // Others may write here as well, so only what is root's own is swept.
            for name in try parent.names() where name.starts(with: Array(Self.prefix.utf8)) {
                guard let status = try? parent.status(of: name), status.kind == .directory, status.uid == 0,
                    let stale = try? parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                else { continue }
                defer { stale.closeQuietly() }
                guard flock(stale.rawValue, LOCK_EX | LOCK_NB) == 0 else { continue }
                try? emptyDirectory(stale)
                try? parent.remove(name, directory: true)
            }
            let name = "\(Self.prefix)\(String(UInt32.random(in: .min ... .max), radix: 36))"
            try parent.makeDirectory(Array(name.utf8), mode: 0o711)
            lock = try parent.open(Array(name.utf8), O_RDONLY | O_DIRECTORY)
            if flock(lock.rawValue, LOCK_EX | LOCK_NB) != 0 { throw Errno(rawValue: errno) }
            path = directory.appending(name)
        } catch {
            throw systemError(.test, "cannot make a place for the test", error, subject: directory.string)
        }
    }

    func remove() {
        try? emptyDirectory(lock)
        _ = unsafe path.withPlatformString { unsafe rmdir($0) }
        lock.closeQuietly()
    }
}
