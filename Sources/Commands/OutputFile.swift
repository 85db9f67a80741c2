// SPDX-License-Identifier: Apache-2.0

import Glibc
import Model
import SystemPackage

/// A file that is there under its name only when it is complete.
final class OutputFile {
    /// Open for reading and writing.
    let file: FileDescriptor
    /// Where it is until `commit`.
    let temporary: FilePath
    private let path: FilePath

    /// Makes the file beside its final place.
    init(_ path: FilePath) throws(RootcellarError) {
        self.path = path
        temporary = FilePath(path.string + ".partial")
        do {
            file = try .open(
                temporary,
                .readWrite,
                options: [.create, .truncate, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
        } catch {
            throw RootcellarError(.usage, "cannot make the file: \(error)", subject: path.string)
        }
    }

    /// The directory of the file.
    var directory: FilePath {
        let parent = path.removingLastComponent()
        return parent.isEmpty ? "." : parent
    }

    /// Gives it its name.
    func commit() throws(RootcellarError) {
        let result = unsafe temporary.withPlatformString { from in
            unsafe path.withPlatformString { to in unsafe rename(from, to) }
        }
        if result != 0 {
            throw RootcellarError(.usage, "cannot make the file: \(Errno(rawValue: errno))", subject: path.string)
        }
    }

    deinit {
        try? file.close()
        // After a commit there is nothing of this name any more.
        _ = unsafe temporary.withPlatformString { unsafe unlink($0) }
    }
}
