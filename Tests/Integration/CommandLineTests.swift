// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The command line", .scratchDirectory)
struct CommandLineTests {
    /// What a shell does to its surroundings before the client runs.
    private static let surroundings = [
        "exec \"$@\" >&-", "exec \"$@\" 2>&-", "exec \"$@\" <&-", "exec \"$@\" <&- >&- 2>&-", "exec \"$@\" >/dev/full",
        "umask 777; exec \"$@\"", "umask 000; exec \"$@\"", "unset HOME; exec \"$@\"", "HOME=relative exec \"$@\"",
        "d=$(mktemp -d); cd \"$d\"; rmdir \"$d\"; exec \"$@\"", "ulimit -n 64; exec \"$@\"",
        "env -i LXC_CACHE_PATH=\"$LXC_CACHE_PATH\" ROOTCELLAR_ETC=\"$ROOTCELLAR_ETC\" \"$@\"",
        "TMPDIR=/nowhere LC_ALL=tr_TR.UTF-8 TZ=Pacific/Apia exec \"$@\"", "ulimit -c 0; ulimit -s 512; exec \"$@\"",
    ]

    @Test("gives the same container and the same modes in any surroundings")
    func surroundings() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            host.emptyCache()
            let reference = try await host.download(server)
            try reference.result.succeeded()
            let expected = try await reference.snapshot()
            let modes = try await modes(host, reference)
            for script in Self.surroundings {
                host.emptyCache()
                let creation = try await host.download(server, script: script)
                let comment = Comment(rawValue: "\(script): \(creation.result.errors)")
                #expect(creation.result.status == 0, comment)
                #expect(try await creation.snapshot().differences(from: expected) == [], comment)
                #expect(try text(creation.config) == text(reference.config), comment)
                #expect(try await host.strangeCacheFiles() == [], comment)
                #expect(try await self.modes(host, creation) == modes, comment)
            }
        }
    }

    @Test("works or fails cleanly with sixteen descriptors")
    func fewDescriptors() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let reference = try await host.download(server)
            for limit in 4...24 {
                host.emptyCache()
                let creation = try await host.download(server, script: "ulimit -n \(limit); exec \"$@\"")
                let comment = Comment(rawValue: "\(limit): \(creation.result.errors)")
                if creation.result.status == 0 {
                    #expect(try await creation.snapshot().differences(from: reference.snapshot()) == [], comment)
                } else {
                    #expect((10...21).contains(creation.result.status) || limit < 10, comment)
                    #expect(try creation.isUntouched, comment)
                }
            }
        }
    }

    @Test(
        "refuses a name that is none as POLICY, before it looks for anything",
        arguments: [
            ["-d", "../../x"], ["-r", "a/b"], ["-a", ""], ["--variant", ".."], ["-d", "Debian"], ["--variant=a\nb"],
            ["--name=../x"], ["--name=a\nb"], ["--name=" + String(repeating: "n", count: 300)],
        ]
    )
    func badNames(_ words: [String]) async throws {
        let host = try ClientHost()
        let path = try Creation.makeContainer(host, "c1")
        let before = try await Snapshot(host.top)
        let good = [
            "--path=\(path)", "--name=c1", "--rootfs=\(path)/rootfs", "-d", "example", "-r", "one", "-a", "amd64",
        ]
        let result = try await host.run(["download"] + good + words)
        #expect(result.status == 20, "\(result.errors)")
        #expect(result.errorLine?.hasPrefix("rootcellar: POLICY: not a name for ") == true, "\(result.errors)")
        #expect(try await Snapshot(host.top).differences(from: before) == [])
    }

    @Test("answers what it does not know with status 2 and what may have been meant")
    func unknownWords() async throws {
        let host = try ClientHost()
        let cases: [([String], String)] = [
            (["download", "--relaese", "x"], "--release"), (["download", "--mapped", "1"], "--mapped-uid"),
            (["download", "--list=yes"], "takes no value"), (["download", "-x"], "-x"),
            (["download", "--dist"], "needs a value"),
            (["download", "-d", "example", "-r", "one", "-a", "amd64"], "name, path, and rootfs"),
            (["trust", "add", "https://localhost", "--fingerprnt", "x"], "--fingerprint"), (["lsit"], "'lsit'"),
        ]
        for (words, hint) in cases {
            let result = try await host.run(words)
            #expect(result.status == 2, "\(words): \(result.errors)")
            #expect(result.errors.contains(hint), "\(words): \(result.errors)")
            #expect(result.output == "", "\(words)")
        }
        #expect(try await Programs.rootcellar("publish", "--reop", "x").status == 2)
    }

    @Test(
        "says its versions and its help on standard output, with status 0",
        arguments: ["rootcellar", "rootcellar-client"]
    )
    func helpAndVersion(_ program: String) async throws {
        let path = Programs.directory.appending(program).string
        let version = try await runProgram(path, ["version", "--json"]).succeeded()
        struct Versions: Decodable {
            struct Library: Decodable {
                var version: String
                var minimum: String
            }
            var rootcellar: String
            var libraries: [String: Library]
        }
        let versions = try JSONDecoder().decode(Versions.self, from: Data(version.output.utf8))
        #expect(Set(versions.libraries.keys) == ["gpgme", "libarchive", "libcurl", "libzstd"])
        for words in [
            ["--help"], ["download", "--help"], ["download", "-h"], ["list", "--help"], ["trust", "add", "--help"],
        ] {
            let help = try await runProgram(path, words)
            #expect(help.status == 0, "\(words)")
            #expect(help.errors == "", "\(words)")
            #expect(help.output.lowercased().contains("usage:"), "\(words)")
        }
        #expect(try await runProgram(path, ["--version"]).output.trimming() == versions.rootcellar)
    }

    /// Every mode in the cache and in the container's own directory.
    private func modes(_ host: ClientHost, _ creation: Creation) async throws -> String {
        try await Programs.shell(
            "cd \"$1\"; find . -printf '%P %m\\n' | LC_ALL=C sort; cd \"$2\"; find . -maxdepth 1 -printf '%P %m\\n' | sort",
            host.cache.string,
            creation.path.string
        )
    }

    @Test("takes the flags of distrobuilder's verbs as its users write them")
    func booleanWords() async throws {
        let system = try await SmallSystem.make(standIns: ["manager"])
        let verbs = ["refresh", "update", "install", "remove", "clean"]
        let manager = verbs.map { "    \($0): {cmd: manager, flags: [\($0)]}\n" }.joined()
        let definition = try system.definition(
            """
            packages:
              custom_manager:
            \(manager)
            actions:
            - trigger: post-files
              action: |-
                #!/bin/sh
                touch /ran
            """
        )
        for (value, runs) in [("true", true), ("false", false), ("1", true), ("F", false)] {
            let root = ScratchDirectory.path.appending("root-\(value)")
            let result = try await Programs.rootcellar(
                "build-dir",
                definition.string,
                root.string,
                "--cleanup=false",
                "--keep-sources=false",
                "--debug=true",
                "--disable-overlay=\(value)",
                "--with-post-files=\(value)"
            )
            #expect(result.status == 0, "\(result.errors)")
            #expect(exists(root.appending("ran")) == runs)
        }
        let wrong = try await Programs.rootcellar("build-dir", definition.string, "x", "--cleanup=perhaps")
        #expect(wrong.status == 2)
    }
}
