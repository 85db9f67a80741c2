// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// What is installed around the programs; each test is a script that a person can run as well.
@Suite("Packages", .serialized)
struct PackageTests {
    @Test("have manual pages with every command and option, and with nothing that does not exist")
    func manual() async throws { try await run("manual") }

    @Test("complete commands and options in bash, zsh and fish")
    func completions() async throws { try await run("completions") }

    @Test(
        "are reproducible, install and serve in bookworm and trixie, are upgraded, and leave nothing",
        .timeLimit(.minutes(60))
    )
    func packages() async throws {
        let top = try makeScratchDirectory()
        defer { removeTree(top) }
        var image = SyntheticImage()
        image.seed = 1
        try await run("packages", try await image.write(to: top.appending("image")).string)
    }

    private func run(_ script: String, _ words: String...) async throws {
        let scripts = FilePath(#filePath).removingLastComponent().appending("Scripts")
        let result = try await runProgram(
            "bash",
            [scripts.appending(script).string, Programs.directory.string] + words
        )
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(4000))")
    }
}
