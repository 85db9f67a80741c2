// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A catalogue on Buildbot", .scratchDirectory)
struct BuildbotTests {
    @Test(
        "is built by a real master and two workers, each image once, though one of them is killed",
        .timeLimit(.minutes(60))
    )
    func workers() async throws {
        let nightly = try await NightlySite()
        try nightly.write(
            "{definition: small.yaml, releases: [a, b]}",
            "{definition: small.yaml, releases: [c], labels: [big]}"
        )
        let script = FilePath(#filePath).removingLastComponent().appending("Scripts/buildbot")
        let result = try await runProgram(
            "bash",
            [script.string, Programs.directory.string, nightly.top.string]
        )
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(8000))")
        #expect(try await nightly.builds().map { $0.split(separator: "/")[1] } == ["a", "b", "c"])
        let check = try await nightly.site.check().succeeded()
        #expect(check.output.contains("\"builds\" : 3,"), "\(check.output)")
    }
}
