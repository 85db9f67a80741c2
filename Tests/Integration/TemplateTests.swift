// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The template", .scratchDirectory)
struct TemplateTests {
    /// Runs a test with a server that has one image with two variants and one in another release.
    private func withSite(_ body: (PublishedServer, Site, ClientHost) async throws -> Void) async throws {
        let site = try await Site()
        for (number, name) in ["example/one/amd64", "example/one/amd64/tiny", "example/two/arm64"].enumerated() {
            var image = SyntheticImage()
            image.name = name
            image.age += Int64(number) * 60
            image.bulk = 100
            try await site.publish(image)
        }
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await body(server, site, host)
        }
    }

    /// Runs `download` with an answer for every question.
    private func ask(_ host: ClientHost, _ words: [String], answers: String) async throws -> Creation {
        let path = try Creation.makeContainer(host, "c1")
        let program = Programs.directory.appending("rootcellar-client").string
        let result = try await runProgram(
            program,
            ["download", "--path=\(path)", "--name=c1", "--rootfs=\(path)/rootfs"] + words,
            environment: host.environment,
            input: answers
        )
        return Creation(path: path, result: result)
    }

    @Test("asks for what is missing, again after an answer that is none, and for the variant where there are several")
    func interactive() async throws {
        try await withSite { _, _, host in
            let creation = try await ask(host, [], answers: "exampel\nexample\n\none\n amd64 \ntiny\n")
            try creation.result.succeeded()
            #expect(exists(creation.rootfs.appending("usr/share/bulk")))
            let lines = creation.result.output.split(separator: "\n").map(String.init)
            #expect(lines.count { $0 == "Distribution: " } == 2)
            #expect(lines.count { $0 == "Release: " } == 2)
            #expect(lines.count { $0 == "Architecture: " } == 1)
            #expect(lines.count { $0 == "Variant: " } == 1)
            #expect(lines.contains { $0.hasPrefix("DIST             RELEASE     ARCH   VARIANT  BUILD") }, "\(lines)")
            #expect(creation.result.errors.contains("did you mean 'example'?"))
            #expect(try text(host.cache.appending("images/example/one/amd64/tiny.json")).contains("serial"))
            // One variant is no question, and an empty answer means the usual one.
            try await ask(host, ["-r", "two", "-a", "arm64"], answers: "example\n").result.succeeded()
            let usual = try await ask(host, ["-d", "example", "-r", "one", "-a", "amd64"], answers: "")
            try usual.result.succeeded()
            try await ask(host, ["-d", "example", "-r", "one"], answers: "amd64\n\n").result.succeeded()
        }
    }

    @Test("fails cleanly when nobody answers", arguments: ["", "example\n", "example\none", "x\ny\nz\n"])
    func nobody(_ answers: String) async throws {
        try await withSite { _, _, host in
            let creation = try await ask(host, [], answers: answers)
            #expect(creation.result.status == 2, "\(creation.result.errors)")
            #expect(creation.result.errors.contains("nobody answered which "))
            #expect(try creation.isUntouched)
            let typo = try await ask(host, ["-d", "exampel"], answers: "one\namd64\n")
            #expect(typo.result.status == 20)
            #expect(typo.result.errors.contains("did you mean 'example'?"), "\(typo.result.errors)")
        }
    }

    @Test("lists what matches, in columns as wide as LXC's own or as JSON")
    func list() async throws {
        try await withSite { server, _, host in
            let all = try await host.run("download", "-l", "--server", server.address).succeeded()
            let rows = all.output.split(separator: "\n").filter { $0.hasPrefix("example") }
            #expect(rows.count == 3)
            #expect(rows.allSatisfy { $0.hasPrefix("example          ") })
            let cases: [([String], Int)] = [
                (["-r", "one"], 2), (["--variant=tiny"], 1), (["--variant", ""], 3), (["-a", "arm64"], 1),
                (["-d", "other"], 0), (["--dist", "example", "--rel=two"], 1),
            ]
            for (words, count) in cases {
                let some = try await host.run(["download", "--list"] + words).succeeded()
                #expect(some.output.split(separator: "\n").count { $0.hasPrefix("example") } == count, "\(words)")
            }
            struct List: Decodable {
                struct Row: Decodable { var variant: String }
                var images: [Row]
            }
            let json = try await host.run("download", "--list", "--json", "-r", "one").succeeded()
            let list = try JSONDecoder().decode(List.self, from: Data(json.output.utf8))
            #expect(list.images.map(\.variant) == ["default", "tiny"])
        }
    }

    @Test("says the lines that programs around LXC look for, and names each file if asked")
    func progress() async throws {
        try await withSite { server, site, host in
            let first = try await host.download(server, "example/one/amd64", "--verbose")
            let lines = first.result.output.split(separator: "\n").map(String.init)
            let known = [
                "Downloading the image index", "Downloading the metadata", "Downloading the rootfs",
                "The image cache is now ready", "Unpacking the rootfs", "---",
            ]
            #expect(lines.filter(known.contains) == known)
            #expect(lines.contains { $0.hasPrefix("Download file: https://\(server.address)/images/example/one/") })
            let second = try await host.download(server)
            #expect(second.result.output.contains("Using image from local cache\nUnpacking the rootfs\n"))
            let flushed = try await host.download(server, "example/one/amd64", "--flush-cache", "--force-cache")
            #expect(flushed.result.output.hasPrefix("Flushing the cache...\n"))
            var newer = SyntheticImage()
            newer.age = 60
            newer.bulk = 100
            try await site.publish(newer)
            let next = try await host.download(server)
            #expect(next.result.output.contains("The cached copy has expired, re-downloading...\n"))
            let wrong = try await host.download(server, "example/one/armhf")
            #expect(wrong.result.output.contains("ERROR: Couldn't find a matching image\n"))
            #expect(wrong.result.status == 20)
        }
    }

    @Test("takes every word of older templates for a pinned server, which stays verified")
    func oldWords() async throws {
        try await withSite { server, _, host in
            let words = [
                "--keyid", "0xBAEFF88C22F6E216", "--keyserver", "hkp://localhost:1", "--no-validate",
                "--standard-resolver", "--verb", "--mapped-uid", "-1", "",
            ]
            let creation = try await host.download(server.address, "example/one/amd64", words)
            try creation.result.succeeded()
            #expect(creation.result.errors.split(separator: "\n").count == 3, "\(creation.result.errors)")
            #expect(creation.result.errors.contains("is pinned, so everything is verified"))
            let environment = host.environment.merging(["DOWNLOAD_KEYSERVER": "hkp://localhost:1"]) { $1 }
            let list = try await runProgram(
                Programs.directory.appending("rootcellar-client").string,
                ["download", "-l"],
                environment: environment
            )
            #expect(list.status == 0)
        }
    }

    @Test("asks no proxy for hosts that are none of its, and says when the proxy does not answer")
    func proxies() async throws {
        try await withSite { server, _, host in
            let dead = "https_proxy=http://127.0.0.1:\(try freePort())"
            host.emptyCache()
            let refused = try await host.download(server, script: "\(dead) exec \"$@\"")
            #expect(refused.result.status == 10, "\(refused.result.errors)")
            #expect(try refused.isUntouched)
            let direct = try await host.download(server, script: "\(dead) no_proxy=localhost,127.0.0.1 exec \"$@\"")
            #expect(direct.result.status == 0, "\(direct.result.errors)")
        }
    }

    @Test("works in a bare directory, without LXC on the machine")
    func bare() async throws {
        try await withSite { server, _, host in
            let bare = host.top.appending("jail")
            try makeDirectory(bare.appending("rootfs"))
            let script = """
                unshare -m sh -euc 'mount --make-rprivate /; mount -t tmpfs none /usr/share/lxc; exec "$@"' sh "$@"
                """
            let words = [
                "download", "--path=\(bare)", "--name=j", "--rootfs=\(bare)/rootfs", "-d", "example", "-r", "one",
                "-a", "amd64",
            ]
            let result = try await host.run(words, script: script)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("LXC is not installed here"))
            #expect(try text(bare.appending("rootfs/etc/hostname")) == "j\n")
            #expect(try text(bare.appending("config")).contains("lxc.uts.name = j\n"))
        }
    }

    @Test("suggests the command that may have been meant, with status 2")
    func typos() async throws {
        let host = try ClientHost()
        for (words, hint) in [
            (["lsit"], "did you mean 'list'?"), (["trust", "ad"], "did you mean 'add'?"),
            (["explian"], "did you mean 'explain'?"), (["zzzzzz"], "see --help"),
        ] {
            let result = try await host.run(words)
            #expect(result.status == 2, "\(words)")
            #expect(result.errorLine?.contains(hint) == true, "\(words): \(result.errors)")
        }
        let whole = try await Programs.rootcellar("pubilsh")
        #expect(whole.status == 2)
        #expect(whole.errors.contains("did you mean 'publish'?"))
    }

    @Test("explains an image and shows what it consists of")
    func explained() async throws {
        try await withSite { server, site, host in
            let before = try await host.run("explain", "example/one/amd64").succeeded()
            for fact in [
                site.fingerprint, "the newest of 1 builds", "not in the cache", "pointer: 20", "manifest: 20",
                "root document: 20", "release: ", "https://\(server.address)",
            ] { #expect(before.output.contains(fact), "\(fact): \(before.output)") }
            try await host.download(server).result.succeeded()
            struct Explanation: Decodable {
                struct Expiry: Decodable { var what: String }
                var isCached: Bool
                var serial: String
                var expires: [Expiry]
            }
            let json = try await host.run("explain", "example", "one", "amd64", "--json").succeeded()
            let explanation = try JSONDecoder().decode(Explanation.self, from: Data(json.output.utf8))
            #expect(explanation.isCached)
            #expect(explanation.serial.wholeMatch(of: /\d{8}_\d\d:\d\d/) != nil)
            #expect(explanation.expires.count == 4)
            let info = try await host.run("info", "example/one/amd64").succeeded()
            #expect(info.output.contains("rootfs.tar.zst"))
            #expect(info.output.contains("0 packages"))
            #expect(try await host.run("info", "example/one/amd64", "--json").succeeded().output.hasPrefix("{"))
            #expect(try await host.run("info", "example/none/amd64").status == 20)
            #expect(try await host.run("explain", "example").status == 20)
        }
    }

    @Test("says nothing where it is asked to be quiet, but what went wrong")
    func quiet() async throws {
        try await withSite { server, site, host in
            let good = try await host.download(server, "example/two/arm64", "--quiet")
            try good.result.succeeded()
            #expect(good.result.output.isEmpty && good.result.errors.isEmpty, "\(good.result)")
            let bad = try await host.download(server, "example/none/arm64", "--quiet")
            #expect(bad.result.status == 20)
            #expect(bad.result.output.isEmpty && bad.result.errorLine != nil, "\(bad.result)")
        }
    }
}
