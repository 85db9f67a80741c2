// SPDX-License-Identifier: Apache-2.0

import Glibc
import SiteSupport
import SystemPackage
import TestSupport

/// One build of each variant of `builder/images/debian.yaml` for the whole process, removed when it ends.
actor DebianImage {
    static let shared = DebianImage()
    static let definition = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        .appending("builder/images/debian.yaml")

    private var built: [String: Task<FilePath, any Error>] = [:]
    private var scratch: FilePath?

    func directory(_ variant: String = "default") async throws -> FilePath {
        if let built = built[variant] { return try await built.value }
        let scratch = try place()
        let task = Task {
            if variant == "default", let given = unsafe getenv("ROOTCELLAR_TEST_IMAGE") {
                return unsafe FilePath(String(cString: given))
            }
            let output = scratch.appending(variant)
            let architecture = try await Programs.shell("dpkg --print-architecture")
            try await Programs.rootcellar(
                "build",
                Self.definition.string,
                "-o",
                "image.release=bookworm",
                "-o",
                "image.architecture=\(architecture.trimming())",
                "-o",
                "image.variant=\(variant)",
                "--cache",
                scratch.appending("cache").string,
                "--output",
                output.string
            ).succeeded()
            return output
        }
        built[variant] = task
        return try await task.value
    }

    private func place() throws -> FilePath {
        if let scratch { return scratch }
        let made = try makeScratchDirectory()
        unsafe DebianImageRemoval.path = made
        atexit { unsafe DebianImageRemoval.path.map(removeTree) }
        scratch = made
        return made
    }
}

/// What `atexit` can reach: written once, before the handler is set.
private enum DebianImageRemoval {
    nonisolated(unsafe) static var path: FilePath?
}
