// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Notices that files were written to or replaced, once they have been left alone since the last look: a certificate and
/// its key are two files, and nobody can put both in place at once.
struct FileWatch: Sendable {
    private let paths: [FilePath]
    /// The files whose contents are in use.
    private var known: [FileStatus?]
    /// The files at the last look.
    private var seen: [FileStatus?]

    /// Takes the files as they are now; to be made before they are read.
    init(_ paths: [FilePath]) {
        self.paths = paths
        known = paths.map { FileStatus(path: $0) }
        seen = known
    }

    /// Whether the files are others than those in use, and have been since the last call. Says so once for each change.
    mutating func hasChanged() -> Bool {
        let now = paths.map { FileStatus(path: $0) }
        defer { seen = now }
        guard now != known, now == seen else { return false }
        known = now
        return true
    }
}
