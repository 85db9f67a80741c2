// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Everything here is properly signed: a publisher's key does not make an image harmless.
@Suite("A hostile image with a good signature", .scratchDirectory)
struct HostileImageTests {
    /// A rootfs that must not be unpacked.
    private struct Archive {
        var name: String
        var tar = RawTar()
        /// How far the image document lies about members, content and size.
        var lie = (entries: 0, content: 0, size: 0)
        var finished: [UInt8]?

        init(_ name: String, _ make: (inout RawTar) -> Void) {
            self.name = name
            make(&tar)
        }
    }

    private func archives(_ outside: FilePath) -> [Archive] {
        let canary = outside.appending("canary").string
        let escape = "./../../../../../../../../.." + canary
        var archives = [
            Archive("dot-dot") { $0.add("./../evil", text: "evil") },
            Archive("dot-dot-inside") { $0.add("./a/../../evil", text: "evil") },
            Archive("absolute") { $0.add(outside.string + "/evil", text: "evil") },
            Archive("absolute-in-pax") {
                $0.addExtended("path", outside.string + "/evil")
                $0.add("./good", text: "evil")
            },
            Archive("through-link") {
                $0.add("./link", type: "2", link: outside.string)
                $0.add("./link/evil", text: "evil")
            },
            Archive("over-link") {
                $0.add("./link", type: "2", link: canary)
                $0.add("./link", text: "evil")
            },
            Archive("directory-over-link") {
                $0.add("./link", type: "2", link: outside.string)
                $0.add("./link/", type: "5", mode: 0o777)
                $0.add("./link/evil", text: "evil")
            },
            Archive("hard-link-outside") { $0.add("./hard", type: "1", link: escape) },
            Archive("hard-link-absolute") { $0.add("./hard", type: "1", link: canary) },
            Archive("hard-link-to-link") {
                $0.add("./link", type: "2", link: canary)
                $0.add("./hard", type: "1", link: "./link")
            },
            Archive("hard-link-through-link") {
                $0.add("./link", type: "2", link: outside.string)
                $0.add("./hard", type: "1", link: "./link/canary")
            },
            Archive("hard-link-too-early") {
                $0.add("./hard", type: "1", link: "./later")
                $0.add("./later", text: "late")
            },
            Archive("hard-link-to-itself") { $0.add("./hard", type: "1", link: "./hard") },
            Archive("owner-minus-one") {
                $0.addExtended("uid", "4294967295")
                $0.add("./file", mode: 0o4755)
            },
            Archive("owner-negative") {
                $0.addExtended("uid", "-1")
                $0.add("./file", mode: 0o4755)
            },
            Archive("owner-too-big") {
                $0.addExtended("gid", "1099511627776")
                $0.add("./file")
            },
            Archive("twice") {
                $0.add("./file", text: "one")
                $0.add("./file", text: "two")
            },
            Archive("link-over-directory") {
                $0.add("./dir/", type: "5", mode: 0o755)
                $0.add("./dir", type: "2", link: outside.string)
            },
            Archive("root-is-a-link") { $0.add(".", type: "2", link: outside.string) },
            Archive("unknown-type") { $0.add("./file", type: "Z") },
            Archive("escape-in-name") { $0.add("./a\u{1B}]0;x\u{7}/../b") },
        ]
        func lying(_ name: String, _ change: (inout Archive) -> Void) {
            var archive = Archive(name) { $0.add("./file", text: "content") }
            change(&archive)
            archives.append(archive)
        }
        lying("more-members-than-signed") { $0.lie.entries = -1 }
        lying("fewer-members-than-signed") { $0.lie.entries = 1 }
        lying("more-content-than-signed") { $0.lie.content = -1 }
        lying("less-content-than-signed") { $0.lie.content = 1 }
        lying("bomb") {
            $0.tar.add("./zeros", text: String(repeating: "\u{0}", count: 32 << 20))
            $0.lie.size = 4096 - $0.tar.finished.count
        }
        lying("without-end") { $0.finished = $0.tar.bytes }
        lying("something-after-the-end") {
            $0.finished = $0.tar.finished + Array("more".utf8) + [UInt8](repeating: 0, count: 508)
        }
        lying("only-zeros") { $0.finished = [UInt8](repeating: 0, count: 10240) }
        return archives
    }

    @Test("is ARCHIVE if its rootfs breaks the policy: nothing outside has changed, nothing inside is left")
    func archive() async throws {
        let outside = ScratchDirectory.path.appending("outside")
        try makeDirectory(outside)
        try write("canary\n".utf8, to: outside.appending("canary"))
        let before = try await Snapshot(outside)
        let site = try await Site()
        var directories: [FilePath] = []
        let archives = archives(outside)
        for archive in archives {
            var image = SyntheticImage()
            image.name = "hostile/\(archive.name)/amd64"
            let bytes = archive.finished ?? archive.tar.finished
            image.tar = (
                bytes, archive.tar.entries + archive.lie.entries, archive.tar.content + archive.lie.content,
                bytes.count + archive.lie.size
            )
            directories.append(try await image.write(to: site.top.appending(archive.name)))
        }
        try await runProgram(Programs.directory.appending("rootcellar").string, site.publication(directories))
            .succeeded()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            for archive in archives {
                let creation = try await host.download(server, "hostile/\(archive.name)/amd64")
                let comment = Comment(rawValue: "\(archive.name): \(creation.result.errors)")
                #expect(creation.result.status == 17, comment)
                #expect(creation.result.errorLine?.hasPrefix("rootcellar: ARCHIVE: ") == true, comment)
                #expect(creation.result.errors.allSatisfy { $0 == "\n" || $0 >= " " }, comment)
                #expect(try creation.isUntouched, comment)
                #expect(try await Snapshot(outside).differences(from: before) == [], comment)
            }
        }
    }

    @Test("gives no device nodes to the host: they are left out, and counted")
    func devices() async throws {
        var tar = RawTar()
        tar.add("./dev/", type: "5", mode: 0o755)
        tar.add("./dev/mem", type: "3", mode: 0o666)
        tar.add("./dev/disk", type: "4", mode: 0o666)
        var image = SyntheticImage()
        image.tar = (tar.finished, tar.entries, tar.content, nil)
        let site = try await Site.publishing(image)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let creation = try await host.download(server)
            try creation.result.succeeded()
            #expect(creation.result.errors.contains("2 device nodes"))
            #expect(try await Set(creation.snapshot().entries.keys) == [".", "./dev", "./dev/pts"])
        }
    }
}
