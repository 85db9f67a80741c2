// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
import TestSupport

/// The smallest Debian that is one: a release as its archive has it, and nothing more.
package enum MinimalDebian {
    /// Writes a definition below the test's scratch directory.
    ///
    /// - Parameters:
    ///   - more: further top-level parts.
    ///   - isUpdated: whether the package manager runs inside the image.
    package static func definition(
        _ more: String = "",
        release: String = "bookworm",
        isUpdated: Bool = true
    ) throws -> FilePath {
        let path = ScratchDirectory.path.appending("debian.yaml")
        let text = """
            image:
              distribution: debian
              release: \(release)
            source:
              downloader: debootstrap
              variant: minbase
            mappings:
              architecture_map: debian
            packages:
              manager: apt
              update: \(isUpdated)
              cleanup: true
            \(SmallSystem.forLXC)
            \(more)

            """
        try write(text.utf8, to: path)
        return path
    }
}
