// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import Pages
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The pages", .scratchDirectory)
struct PagesInBrowserTests {
    /// 1 000 images, one of them with five builds of different packages.
    private func largeTree(_ top: FilePath) async throws {
        let tree = DocumentTree()
        var images: [ImageName: [IndexShard.Build]] = [:]
        let debian = try ImageName(path: "debian/bookworm/amd64/default")
        for number in 0..<5 {
            let other = number == 0 ? "stale" : "fresh"
            images[debian, default: []].append(
                try tree.build(
                    debian,
                    age: 5 - number,
                    packages: [("bash", "5.2"), ("openssl", "3.0.\(number)"), (other, "1")],
                    size: 50_000_000 + number * 700_000,
                    boot: 900 - number * 30
                )
            )
        }
        let releases = [
            "debian": ["bookworm", "trixie"], "alpine": ["3.20", "edge"], "gentoo": ["openrc", "systemd"],
        ]
        let architectures = ["amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x"]
        outer: for round in 0... {
            for (distribution, names) in releases.sorted(by: { $0.key < $1.key }) {
                for release in names {
                    for architecture in architectures {
                        for variant in ["default", "cloud", "minimal"] {
                            if images.count == 1000 { break outer }
                            let suffix = round == 0 ? "" : "-\(round)"
                            let name = try ImageName(
                                path: "\(distribution)\(suffix)/\(release)/\(architecture)/\(variant)"
                            )
                            guard images[name] == nil else { continue }
                            images[name] = [
                                try tree.build(name, age: 1, packages: [], boot: nil, tested: variant != "minimal")
                            ]
                        }
                    }
                }
            }
        }
        try PageSet().update(try tree.publish(images), files: tree)
        for (path, bytes) in tree.files where !path.hasPrefix(".") {
            let file = top.appending(path)
            try FileManager.default.createDirectory(
                atPath: file.removingLastComponent().string,
                withIntermediateDirectories: true
            )
            try write(bytes, to: file)
        }
    }

    @Test(
        "are looked at in a browser: by mouse and keyboard, on a phone, in the dark, without a script",
        .timeLimit(.minutes(60))
    )
    func browser() async throws {
        let site = Site(at: ScratchDirectory.path, fingerprint: "")
        try await largeTree(site.tree)
        let scripts = FilePath(#filePath).removingLastComponent().appending("Scripts")
        let python = scripts.appending("../../../.build/python/bin/python").lexicallyNormalized()
        // `make screenshots` asks for pictures instead of a look.
        let pictures = ProcessInfo.processInfo.environment["ROOTCELLAR_SCREENSHOTS"]
        let result = try await PublishedServer.run(site) { server in
            try await runProgram(
                python.string,
                [scripts.appending("pages.py").string, server.url] + (pictures.map { [$0] } ?? [])
            )
        }
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(4000))")
        #expect(result.output.contains(pictures == nil ? "pages: good" : "pages: taken"))
    }

    @Test("are there after every publication, of what is published")
    func published() async throws {
        let site = try await Site.publishing()
        func page(_ path: String) throws -> String { try text(site.tree.appending(path)) }
        #expect(try page("index.html").contains("images/example/one/amd64/default/index.html"))
        #expect(try page("images/example/one/amd64/default/index.html").contains("tests not passed"))
        try await site.check().succeeded()
        let before = try page("status.html")
        try await Programs.shell("sleep 1.1")
        try await Programs.rootcellar("repo", "refresh", "--repo", site.tree.string, "--keys", site.keys.string)
            .succeeded()
        #expect(try page("status.html") != before)
        // What cannot be written is said, and the publication stands.
        try await Programs.shell("rm \"$1\"/index.html; mkdir -p \"$1\"/index.html/x", site.tree.string)
        var newer = SyntheticImage()
        newer.age = 60
        let directory = site.top.appending("newer")
        _ = try await newer.write(to: directory)
        let result = try await site.publish(directory)
        #expect(result.status == 0 && result.errors.contains("published, but the pages"), "\(result.errors)")
        try await Programs.shell("rm -r \"$1\"/index.html", site.tree.string)
        try await Programs.rootcellar("repo", "refresh", "--repo", site.tree.string, "--keys", site.keys.string)
            .succeeded()
        #expect(try page("index.html").contains("example one"))
        try await site.check().succeeded()
    }
}
