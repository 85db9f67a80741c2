// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// The lock that lets one publisher at a time change a tree. The kernel gives it up when its holder dies.
final class TreeLock {
    let file: FileDescriptor

    /// Takes the lock.
    ///
    /// - Parameter seconds: how long to wait for another holder.
    /// - Throws: `REPOSITORY` if somebody else still has it then.
    init(_ layout: TreeLayout, waiting seconds: Int) throws(RootcellarError) {
        let path = layout.lock
        do {
            file = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
        } catch { throw Disk.fault("cannot be locked", path, error) }
        _ = fchmod(file.rawValue, 0o644)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            let error = Errno(rawValue: errno)
            guard error == .wouldBlock || error == .interrupted else {
                try? file.close()
                throw Disk.fault("cannot be locked", path, error)
            }
            guard ContinuousClock.now < deadline else {
                try? file.close()
                throw RootcellarError(
                    .repository,
                    "another publisher is at work on this tree",
                    subject: layout.top.string,
                    hint: "try again when it has ended; the lock is \(path)"
                )
            }
            usleep(20_000)
        }
    }

    /// Gives it up by name (flock(2)): a child that another thread has just forked has the descriptor until it runs its program,
    /// and would hold the lock as long.
    deinit {
        flock(file.rawValue, LOCK_UN)
        try? file.close()
    }
}
