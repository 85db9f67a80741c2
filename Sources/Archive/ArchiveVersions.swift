// SPDX-License-Identifier: Apache-2.0

import CArchive
import CZstd
package import Model

/// The versions of the archive libraries that this process runs with, which may be others than it was built with.
package struct ArchiveVersions: Sendable {
    /// The first with threaded xz output.
    package static let minimumLibarchive = "3.4.0"
    /// The first whose threads give the same bytes whatever their number and whose patches reach over whole files.
    package static let minimumLibzstd = "1.4.5"

    package var libarchive: String
    package var libzstd: String

    /// Those of this process.
    package static var current: ArchiveVersions {
        let archive = Int(archive_version_number())
        let zstd = Int(ZSTD_versionNumber())
        return ArchiveVersions(
            libarchive: "\(archive / 1_000_000).\(archive / 1000 % 1000).\(archive % 1000)",
            libzstd: "\(zstd / 10000).\(zstd / 100 % 100).\(zstd % 100)"
        )
    }

    /// - Throws: `POLICY` naming the library that is too old.
    package func check() throws(RootcellarError) {
        guard archive_version_number() >= 3_004_000 else {
            throw Self.tooOld("libarchive", libarchive, Self.minimumLibarchive)
        }
        guard ZSTD_versionNumber() >= 10405 else { throw Self.tooOld("libzstd", libzstd, Self.minimumLibzstd) }
    }

    private static func tooOld(_ name: String, _ found: String, _ needed: String) -> RootcellarError {
        RootcellarError(.policy, "\(name) \(found) is too old", hint: "install \(name) \(needed) or newer")
    }
}
