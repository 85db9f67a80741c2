// SPDX-License-Identifier: Apache-2.0

import Glibc
import SiteSupport
import SystemPackage
import TestSupport

/// Images of installers, made once for the whole process and removed when it ends.
actor InstallerImages {
    static let shared = InstallerImages()

    private var made: Task<FilePath, any Error>?

    /// One of the images that the script beside this file makes.
    func image(_ name: String) async throws -> FilePath {
        if let made { return try await made.value.appending(name) }
        let task = Task {
            let scratch = try makeScratchDirectory()
            unsafe InstallerImagesRemoval.path = scratch
            atexit { unsafe InstallerImagesRemoval.path.map(removeTree) }
            let script = FilePath(#filePath).removingLastComponent().appending("Scripts/installer-images")
            try await runProgram("bash", [script.string, scratch.string]).succeeded()
            return scratch
        }
        made = task
        return try await task.value.appending(name)
    }
}

/// What `atexit` can reach: written once, before the handler is set.
private enum InstallerImagesRemoval {
    nonisolated(unsafe) static var path: FilePath?
}
