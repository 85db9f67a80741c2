// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// The keys that come with the project, against the packages that they were taken from.
@Suite("Upstream keys", .scratchDirectory)
struct UpstreamKeyTests {
    private static let repository = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    /// Runs the comparison on a copy in which `change` was done.
    private func compare(_ change: String) async throws -> ProgramResult {
        let copy = ScratchDirectory.path.appending("copy")
        try await Programs.shell(
            "rm -rf \"$2\"; mkdir -p \"$2/scripts\"; cp \"$1/scripts/keys\" \"$2/scripts/\"; cp -r \"$1/keys\" \"$2/\"; cd \"$2/keys\"; eval \"$3\"",
            Self.repository.string,
            copy.string,
            change
        )
        return try await runProgram("bash", [copy.appending("scripts/keys").string])
    }

    @Test("are those of the installed packages, byte by byte")
    func comparison() async throws {
        let result = try await compare(":")
        #expect(result.status == 0, "\(result.errors)")
        // Those of another release are compared where that is bootstrapped (`Scripts/incus`).
        let readme = try text(Self.repository.appending("keys/README.md"))
        let rows = readme.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let count = rows.count { !$0.contains("/trixie |") }
        #expect(rows.count == (try directoryNames(Self.repository.appending("keys"))).count { $0.hasSuffix(".asc") })
        #expect(count > 0 && result.output.hasSuffix("keys: \(count) compared\n"), "\(result.output)")
    }

    @Test(
        "are told apart from others",
        arguments: [
            "set -- *.asc; cp $1 $2", "set -- *.asc; cp $1 0123456789012345678901234567890123456789.asc",
            "set -- *.asc; rm $1", "set -- *.asc; gpg --dearmor <$1 >k; printf x >>k; gpg --enarmor <k >$1; rm k",
            "sed -i s/debian-archive-bookworm-stable.gpg/debian-archive-trixie-stable.gpg/ README.md",
        ]
    )
    func differences(_ change: String) async throws {
        let result = try await compare(change)
        #expect(result.status == 1, "\(change): \(result.output)")
        #expect(result.errors.hasPrefix("keys: "), "\(result.errors)")
    }
}
