// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Object storage", .scratchDirectory)
struct ObjectStorageTests {
    @Test(
        "has a tree as a directory has: signed requests, readers of all kinds, kills, two publishers",
        .timeLimit(.minutes(60))
    )
    func programs() async throws {
        var images: [String] = []
        for age in [7200, 3600] as [Int64] {
            var image = SyntheticImage()
            image.age = age
            image.bulk = 20_000
            image.hasStreams = true
            images.append(try await image.write(to: ScratchDirectory.path.appending("image-\(age)")).string)
        }
        let script = FilePath(#filePath).removingLastComponent().appending("Scripts/object-storage")
        let result = try await runProgram("bash", [script.string, Programs.directory.string] + images)
        #expect(result.status == 0, "\(result.output.suffix(2000))\n\(result.errors.suffix(4000))")
    }
}
