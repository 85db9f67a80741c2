// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Keys on a token", .scratchDirectory)
struct HardwareTokenTests {
    @Test("119: sign with its PIN; without PIN or token nothing is published, and one line says so")
    func sign() async throws {
        var builds: [FilePath] = []
        for age in [7200, 60] as [Int64] {
            var image = SyntheticImage()
            image.age = age
            image.bulk = 60
            builds.append(try await image.write(to: ScratchDirectory.path.appending("image-\(age)")))
        }
        let script = FilePath(#filePath).removingLastComponent().appending("Scripts/token")
        let result = try await runProgram(script.string, [Programs.directory.string] + builds.map(\.string))
        #expect(result.status == 0, Comment(rawValue: result.errors))
    }
}
