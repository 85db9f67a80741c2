// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage
package import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Gives each test case a new, empty, short-named directory of mode 0700 and removes it afterwards. So that not all of them
/// run at once, it waits for a place first.
///
///     @Test(.scratchDirectory) func … { let directory = ScratchDirectory.path … }
///
/// Names stay short because gpg-agent's sockets must fit into 107 bytes (unix(7)).
package struct ScratchDirectory: TestTrait, SuiteTrait, TestScoping {
    /// The directory of the running test.
    @TaskLocal package static var path = FilePath()

    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing body: @Sendable @concurrent () async throws -> Void
    ) async throws {
        // Inside a suite that has this trait a test may have it once more.
        guard testCase != nil, Self.path.isEmpty else { return try await body() }
        try await TestSlots.run {
            let path = try makeScratchDirectory()
            defer { removeTree(path) }
            try await Self.$path.withValue(path) { try await body() }
        }
    }
}

extension Trait where Self == ScratchDirectory {
    /// A directory of the test's own.
    package static var scratchDirectory: Self { Self() }
}

/// Makes a new, empty directory of mode 0700 below /tmp.
package func makeScratchDirectory() throws -> FilePath {
    var template = Array("/tmp/rct-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return false }
        return unsafe mkdtemp(base) != nil
    }
    guard made else { throw Errno(rawValue: errno) }
    return FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
}

/// Removes a tree without following symbolic links; what is not there is fine.
package func removeTree(_ path: FilePath) {
    try? FileManager.default.removeItem(atPath: path.string)
}
