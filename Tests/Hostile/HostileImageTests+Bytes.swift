// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Archives whose bytes are too many, too few, changed, or of another form.
extension HostileImageTests {
    @Test("72: more than was signed from a small file -> ARCHIVE; as much as was signed is accepted")
    func bomb() async throws {
        let zeros = String(repeating: "\u{0}", count: 32 << 20)
        var bomb = HostileImage("bomb") { $0.add("./zeros", text: zeros) }
        bomb.size = 4096
        try await refuse([bomb])
        try await accept(HostileImage("honest") { $0.add("./zeros", text: zeros) }) { creation in
            let size = try await Programs.shell("stat -c %s \"$1/zeros\"", creation.rootfs.string)
            #expect(size == "33554432\n")
        }
    }

    @Test("73: more or fewer members, more or less content than signed, a tar cut between members -> ARCHIVE")
    func counts() async throws {
        func lying(_ name: String, _ entries: Int, _ content: Int) -> HostileImage {
            var image = HostileImage(name) { $0.add("./file", text: "content") }
            image.entries += entries
            image.content += content
            return image
        }
        var cut = HostileImage("cut") {
            $0.add("./one", text: "content")
            $0.add("./two", text: "content")
        }
        cut.bytes = Array(cut.bytes.prefix(512 * 3)) + [UInt8](repeating: 0, count: 1024)
        try await refuse([
            lying("more-members", -1, 0), lying("fewer-members", 1, 0), lying("more-content", 0, -1),
            lying("less-content", 0, 1), cut,
        ])
    }

    @Test("74: every kind of prefix of a good image, plain or compressed either way -> ARCHIVE")
    func prefixes() async throws {
        var random = SeededGenerator()
        let whole = HostileImage("whole") {
            $0.add("./dir/", type: "5", mode: 0o755)
            $0.add("./dir/file", text: String(repeating: "content", count: 300))
            $0.add("./link", type: "2", link: "dir/file")
        }
        var images: [HostileImage] = []
        for block in 0..<(whole.bytes.count / 512) {
            for length in [block * 512, block * 512 + Int.random(in: 1...511, using: &random)] where length > 0 {
                var image = whole
                image.name = "plain-\(length)"
                // The end marker is two blocks; half of it is a cut archive, too.
                image.bytes = Array(whole.bytes.prefix(length))
                images.append(image)
            }
        }
        for kind in [HostileImage.Raw.Kind.xz, .zstd] {
            for _ in 1...8 {
                var image = whole
                let part = Double.random(in: 0.01..<0.99, using: &random)
                image.name = "\(kind)-\(Int(part * 1000))-\(images.count)"
                image.raw = HostileImage.Raw(kind: kind, part: part)
                images.append(image)
            }
        }
        try await refuse(images)
    }

    @Test("75: a bit of the packed rootfs flipped on the server -> HASH before anything is unpacked")
    func flipped() async throws {
        let site = try await Site.publishing()
        let packed = try await site.files().filter { $0.hasSuffix("/rootfs.tar.xz") || $0.hasSuffix("/rootfs.tar.zst") }
        #expect(packed.count == 2)
        for file in packed {
            var bytes = try read(site.tree.appending(file))
            bytes[bytes.count / 3] ^= 0x10
            try write(bytes, to: site.tree.appending(file))
        }
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let creation = try await host.download(server)
            #expect(creation.result.status == 16, "\(creation.result.errors)")
            #expect(creation.result.errorLine?.hasPrefix("rootcellar: HASH: ") == true)
            #expect(try creation.isUntouched)
        }
    }

    @Test("76: something after the end, a second archive, only zeros, nothing at all, a packed packed file -> ARCHIVE")
    func around() async throws {
        let good = HostileImage("good") { $0.add("./file", text: "content") }
        func with(_ name: String, _ bytes: [UInt8]) -> HostileImage {
            var image = good
            image.name = name
            image.bytes = bytes
            return image
        }
        var nested = good
        nested.name = "nested"
        nested.raw = HostileImage.Raw(kind: .zstd, part: 1, isTwice: true)
        var trailing = good
        trailing.name = "trailing"
        trailing.raw = HostileImage.Raw(kind: .zstd, part: 1, trailing: Array("garbage".utf8))
        try await refuse([
            with("after-the-end", good.bytes + Array("more".utf8) + [UInt8](repeating: 0, count: 508)),
            with("second", good.bytes + good.bytes), with("zeros", [UInt8](repeating: 0, count: 10240)),
            with("without-end", Array(good.bytes.dropLast(1024))), nested, trailing,
        ])
    }

    @Test("77: other formats under the name of a tar -> ARCHIVE, and no program is started to read them")
    func otherFormats() async throws {
        let heads: [(String, [UInt8])] = [
            ("lrzip", Array("LRZI".utf8) + [0, 6]), ("zip", [0x50, 0x4B, 3, 4]),
            ("mtree", Array("#mtree\n./etc type=file contents=/etc/passwd\n".utf8)),
            ("iso", [UInt8](repeating: 0, count: 32769) + Array("CD001".utf8)), ("gzip", [0x1F, 0x8B, 8, 0]),
            ("lzop", [0x89, 0x4C, 0x5A, 0x4F, 0, 0x0D, 0x0A, 0x1A, 0x0A]), ("elf", [0x7F, 0x45, 0x4C, 0x46]),
        ]
        let images = heads.flatMap { name, head in
            [HostileImage.Raw.Kind.xz, .zstd].map { kind in
                var image = HostileImage("\(name)-\(kind)") { $0.add("./file", text: "content") }
                image.raw = HostileImage.Raw(kind: kind, bytes: head + [UInt8](repeating: 7, count: 2000))
                return image
            }
        }
        let trace = ScratchDirectory.path.appending("trace").string
        try await refuse(images, script: "exec strace -f -A -qqq -o \(trace) -e trace=execve \"$@\"")
        let programs = try text(FilePath(trace)).split(separator: "\n").compactMap {
            $0.firstMatch(of: /execve\("([^"]*)"/).map { $0.1.split(separator: "/").last.map(String.init) ?? "" }
        }
        #expect(!programs.isEmpty)
        #expect(
            Set(programs).isSubset(of: ["rootcellar-client", "rootcellar-unpack", "gpg", "gpgconf", "gpgsm"]),
            "\(Set(programs))"
        )
    }

    @Test("78: broken pax records, two sizes, NUL in a name, unknown types -> ARCHIVE")
    func malformed() async throws {
        try await refuse([
            HostileImage("unknown-type") { $0.add("./file", type: "Z") },
            HostileImage("pax-length") {
                $0.add("./pax", type: "x", text: "99 path=./x\n")
                $0.add("./file", text: "x")
            },
            HostileImage("pax-no-end") {
                $0.add("./pax", type: "x", text: "10 path=./x")
                $0.add("./file", text: "x")
            },
            HostileImage("pax-nul") {
                $0.addExtended("path", "./a\u{0}/../b")
                $0.add("./file", text: "x")
            },
            HostileImage("two-sizes") {
                $0.addExtended("size", "3")
                $0.add("./file", text: "content")
            },
            HostileImage("directory-with-data") { $0.add("./dir/", type: "5", text: "content", mode: 0o755) },
            HostileImage("link-with-data") { $0.add("./link", type: "2", text: "content", link: "x") },
            HostileImage("no-target") { $0.add("./link", type: "2") },
        ])
    }
}
