// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
import TestSupport

/// The smallest Debian that is one: bookworm as its archive has it, and nothing more.
package enum MinimalDebian {
    /// Writes a definition below the test's scratch directory.
    ///
    /// - Parameter more: further top-level parts.
    package static func definition(_ more: String = "") throws -> FilePath {
        let path = ScratchDirectory.path.appending("debian.yaml")
        let text = """
            image:
              distribution: debian
              release: bookworm
            source:
              downloader: debootstrap
              variant: minbase
            mappings:
              architecture_map: debian
            packages:
              manager: apt
              update: true
              cleanup: true
            \(SmallSystem.forLXC)
            \(more)

            """
        try write(text.utf8, to: path)
        return path
    }
}
