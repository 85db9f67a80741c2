// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
package import Model
package import SystemPackage

/// A lock that the kernel takes back when its holder ends, however it ends (flock(2)).
package final class FileLock {
    private let file: FileDescriptor

    /// Waits for the lock, telling `onWait` once if somebody else has it.
    ///
    /// - Throws: `CACHE` if the lock file cannot be made, or if the lock is not free after `limit` seconds.
    package init(
        _ path: FilePath,
        limit: Int = 3600,
        onWait: () -> Void = {}
    ) throws(RootcellarError) {
        try makeDirectories(path.removingLastComponent(), .cache)
        do {
            file = try .open(
                path,
                .readWrite,
                options: [.create, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
        } catch {
            throw RootcellarError(.cache, "cannot open a lock: \(error)", subject: path.string)
        }
        if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { return }
        onWait()
        var waited = 0
        while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            guard waited < limit * 10 else {
                try? file.close()
                throw RootcellarError(
                    .cache,
                    "another process has had this lock for \(limit) seconds",
                    subject: path.string,
                    hint: "see who with: fuser \(path.string)"
                )
            }
            usleep(100_000)
            waited += 1
        }
    }

    deinit { try? file.close() }
}
