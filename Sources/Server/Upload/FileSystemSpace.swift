// SPDX-License-Identifier: Apache-2.0

import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// What is free of a file system, for an ordinary user.
struct FileSystemSpace: Equatable, Sendable {
    var bytes: Int
    /// Nil where they are made as they are needed.
    var inodes: Int?
    var allInodes = 0

    /// Of the file system that a path is on (statvfs(3)); nil if nobody can say.
    init?(of path: FilePath) {
        var status = statvfs()
        guard unsafe statvfs(path.string, &status) == 0 else { return nil }
        bytes = Int(clamping: status.f_bavail.multipliedReportingOverflow(by: status.f_frsize).partialValue)
        guard status.f_files > 0 else { return }
        inodes = Int(clamping: status.f_favail)
        allInodes = Int(clamping: status.f_files)
    }
}
