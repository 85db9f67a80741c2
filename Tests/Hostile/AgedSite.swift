// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport

extension Site {
    /// Runs a publisher's command on this site at another time, as in `-20d`.
    @discardableResult
    func rootcellar(at shift: String = "+0d", _ words: String...) async throws -> ProgramResult {
        let command = [Programs.directory.appending("rootcellar").string] + words
        let line = FakeTime.words(["-f", shift], command + ["--repo", tree.string, "--keys", keys.string])
        return try await runProgram(line[0], Array(line.dropFirst()))
    }

    /// A site of five builds that has a past: the first two left the catalogue two weeks ago, so that pruning removes their
    /// files; the others are in it.
    ///
    /// - Parameter bulk: KiB of content that does not compress, in the oldest build and in the fourth.
    static func aged(bulk: Int = 60) async throws -> Site {
        let top = ScratchDirectory.path.appending("aged")
        try makeDirectory(top)
        let made = try await Programs.shell(
            """
            \(FakeTime.shell("-30d")) "$1" key init --keys "$2/keys" --name Example --no-passphrase | tail -n 1
            \(FakeTime.shell("-30d")) "$1" repo init --repo "$2/tree" --keys "$2/keys" --id "$3"
            """,
            Programs.directory.appending("rootcellar").string,
            top.string,
            Site.id
        )
        let site = Site(at: top, fingerprint: made.trimming())
        for (day, shift) in [(25, "-25d"), (24, "-24d"), (20, "-20d"), (19, "-19d"), (0, "+0d")] as [(Int64, String)] {
            var image = SyntheticImage()
            image.age = day * 86400 + 60
            image.bulk = day == 25 || day == 19 ? bulk : 60
            let directory = try await image.write(to: top.appending("image-\(day)"))
            try await site.rootcellar(at: shift, "publish", directory.string, "--untested", "--no-deltas").succeeded()
            if day == 20 { try await site.rootcellar(at: "-20d", "repo", "prune", "--keep", "1").succeeded() }
        }
        return site
    }

    /// The serials whose files are in the tree, oldest first.
    func publishedSerials() async throws -> [String] {
        let names = try await Programs.shell(
            "cd \"$1/images/example/one/amd64/default\"; ls -d -- */ | tr -d /",
            tree.string
        )
        return names.split(separator: "\n").map(String.init).sorted()
    }
}
