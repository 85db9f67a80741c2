// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Sources that are fetched by the distributions' own programs, against a real registry and a real repository; and these
/// programs inside an image.
@Suite("Sources by real programs")
struct RealSourceTests {
    @Test(
        "an image of a registry, packages of a repository, and an installer's image",
        .timeLimit(.minutes(60)),
        arguments: ["registry", "rpm", "installer"]
    )
    func source(_ script: String) async throws { try await run(script) }

    @Test("dnf, zypper and pacman manage an image with real packages", .timeLimit(.minutes(60)))
    func managers() async throws { try await run("managers") }

    private func run(_ script: String) async throws {
        let scripts = FilePath(#filePath).removingLastComponent().appending("Scripts")
        let result = try await runProgram(
            "bash",
            [scripts.appending(script).string, Programs.directory.string]
        )
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(4000))")
    }
}
