// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The commands that copy trees", .scratchDirectory)
struct MirrorCommandTests {
    private let copy = ScratchDirectory.path.appending("copy")

    private func check(_ site: Site) async throws -> ProgramResult {
        try await Programs.rootcellar("repo", "check", "--repo", copy.string, "--fingerprint", site.fingerprint)
    }

    @Test("mirror over HTTPS: killed at any time the copy is right, what was transferred stays, and clients take it")
    func killed() async throws {
        var first = SyntheticImage()
        first.hasStreams = true
        let site = try await Site.publishing(first)
        var other = SyntheticImage()
        other.name = "example/two/amd64"
        other.age = 3600
        other.bulk = 6000
        try await PublishedServer.run(site) { server in
            let words = [
                "repo", "mirror", server.url, "--repo", copy.string, "--fingerprint", site.fingerprint, "--ca",
                server.authority.string,
            ]
            let program = Programs.directory.appending("rootcellar").string
            try await runProgram(program, words).succeeded()
            try await check(site).succeeded()
            try await site.publish(other)
            var ends = 0
            for tenths in 1...40 where ends == 0 {
                let delay = "0.\(tenths < 10 ? "0" : "")\(tenths)"
                let result = try await runProgram("timeout", ["-s", "KILL", delay, program] + words)
                if result.status == 0 { ends += 1 } else { #expect(result.status == 137, "\(result.errors)") }
                try await check(site).succeeded()
            }
            try await runProgram(program, words).succeeded()
            try await check(site).succeeded()
            #expect(
                try await Programs.shell(
                    "diff -r -x .rootcellar -x manifest \"$1\" \"$2\"",
                    site.tree.string,
                    copy.string
                ) == ""
            )
            let before = try await server.traffic().count
            let idle = try await runProgram(program, words + ["--json"]).succeeded()
            #expect(idle.output.contains("\"added\" : ["))
            let after = try await server.traffic()[before...]
            #expect(after.count <= 4, "\(after)")
            #expect(after.reduce(0) { $0 + $1.bytes } < 20_000)
        }
        // A client that knows the publisher's key only takes images from the copy.
        try await PublishedServer.run(Site(at: try await place(copy), fingerprint: site.fingerprint)) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
        }
    }

    /// The copy as the tree of a site.
    private func place(_ copy: FilePath) async throws -> FilePath {
        let top = ScratchDirectory.path.appending("second")
        try makeDirectory(top)
        try await Programs.shell("cp -a \"$1\" \"$2/tree\"", copy.string, top.string)
        return top
    }

    @Test("export and import carry a tree to a place without a network, and what is new after it")
    func carried() async throws {
        let site = try await Site.publishing()
        let top = ScratchDirectory.path
        func run(_ words: String...) async throws -> ProgramResult {
            try await runProgram(Programs.directory.appending("rootcellar").string, ["repo"] + words)
        }
        func export(_ file: String, _ more: String...) async throws -> ProgramResult {
            let words = [
                "--repo", site.tree.string, "--fingerprint", site.fingerprint, "--output", top.appending(file).string,
            ]
            return try await runProgram(
                Programs.directory.appending("rootcellar").string,
                ["repo", "export"] + words + more
            )
        }
        func take(_ file: String) async throws -> ProgramResult {
            try await run(
                "import",
                top.appending(file).string,
                "--repo",
                copy.string,
                "--fingerprint",
                site.fingerprint
            )
        }
        try await export("one").succeeded()
        let receipt = try await take("one").succeeded().output
        try write(Array(receipt.utf8), to: top.appending("receipt"))
        try await check(site).succeeded()
        var other = SyntheticImage()
        other.name = "example/two/amd64"
        other.age = 3600
        try await site.publish(other)
        try await export("two", "--since", top.appending("receipt").string).succeeded()
        try await Programs.shell("head -c 100000 \"$1/two\" > \"$1/cut\"", top.string)
        let before = try await Programs.shell("cd \"$1\"; find . -type f | sort | xargs sha256sum", copy.string)
        for (file, line) in [("cut", "SIZE"), ("receipt", "REPOSITORY")] {
            let refused = try await take(file)
            #expect(refused.errorLine?.hasPrefix("rootcellar: \(line): ") == true, "\(refused.errors)")
        }
        let after = try await Programs.shell("cd \"$1\"; find . -type f | sort | xargs sha256sum", copy.string)
        #expect(after == before)
        try await take("two").succeeded()
        try await check(site).succeeded()
        let old = try await take("one")
        #expect(old.status == 12)
    }

    @Test("mirror asks for what it needs in one line")
    func usage() async throws {
        for words in [
            ["/nowhere", "--repo", copy.string], ["/nowhere", "--repo", copy.string, "--simplestreams", "--keys", "k"],
            [
                "/nowhere", "--repo", copy.string, "--fingerprint", String(repeating: "AB", count: 20), "--release",
                "bookworm",
            ],
        ] {
            let program = Programs.directory.appending("rootcellar").string
            #expect(try await runProgram(program, ["repo", "mirror"] + words).status == 2)
        }
        #expect(!exists(copy))
    }
}
