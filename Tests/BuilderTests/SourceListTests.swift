// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@testable import Builder

@Suite("Lists and pages of other people's servers")
struct SourceListTests {
    private static let one = String(repeating: "a1", count: 32)
    private static let two = String(repeating: "b2", count: 64)

    @Test("checksums are read in every form that distributions write, and no other file's is taken")
    func checksums() {
        let one = Self.one
        for text in [
            "\(one)  root.tar\n", "\(one) *root.tar\n", "\(one)  ./sub/root.tar\r\n", "SHA256 (root.tar) = \(one)\n",
            "\(one.uppercased())  root.tar", "\(one)\n",
        ] {
            #expect(ChecksumList(text).sum(of: "root.tar", .sha256) == one, "\(text)")
        }
        for text in [
            "\(one)  root.tar.xz\n", "\(one)  a-root.tar\n", "\(one.dropLast())  root.tar\n",
            "MD5 (root.tar) = \(one)\n", "",
            "\(one)\n\(one)  other\n", "\(one) x root.tar\n",
        ] {
            #expect(ChecksumList(text).sum(of: "root.tar", .sha256) == nil, "\(text)")
        }
        let gentoo = "# BLAKE2B HASH\n\(String(repeating: "c", count: 128))  s\n# SHA512 HASH\n\(Self.two)  s\n"
        #expect(ChecksumList(gentoo).sum(of: "s", .sha512) == Self.two)
    }

    @Test("names come out of links, plain ones only, and the newest is the one with the highest version")
    func pages() {
        let page = ListingPage(
            """
            <A HREF="?C=N;O=D">Name</A> <a href="../">up</a> <a href='v-1.9.tar'>x</a> <a href="/pub/v-1.10.tar">x</a>
            <a href="./v-1.2.tar"> <a href="v-1.2.tar"> <a href="sub/"> <a href="a%2fb"> <a href="https://else.invalid/">
            <a href="unclosed
            """
        )
        #expect(page.names == ["v-1.9.tar", "v-1.10.tar", "v-1.2.tar", "sub", "else.invalid"])
        #expect(page.names(from: "v-", to: ".tar") == ["v-1.2.tar", "v-1.9.tar", "v-1.10.tar"])
        #expect(page.names(from: "v-1.9.tar", to: "v-1.9.tar").isEmpty)
        #expect(VersionOrder.isOlder("1.02", "1.3") && !VersionOrder.isOlder("1.3", "1.3"))
        #expect(VersionOrder.isOlder("20251231", "20260101") && VersionOrder.isOlder("1", "1.1"))
    }

    @Test("any bytes give a list or a page, and an order that is one")
    func anything() {
        var generator = SeededGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<80, using: &generator)).map { _ in
                "href=\"'/.-_ \n#09azAZ()*SHA256=".utf8.randomElement(using: &generator) ?? 0
            }
            let text = String(decoding: bytes, as: UTF8.self)
            for name in ListingPage(text).names {
                #expect(!name.contains("/") && name != ".." && name != "." && !name.isEmpty)
            }
            _ = ChecksumList(text).sum(of: "x", .sha256)
            let other = String(text.reversed())
            #expect(!(VersionOrder.isOlder(text, other) && VersionOrder.isOlder(other, text)))
        }
    }

    @Test(
        "compressions have the levels that they have",
        arguments: [
            ("xz", ".xz"), ("xz-0", ".xz"), ("xz-9", ".xz"), ("zstd-22", ".zst"), ("lzo", ".lzo"), ("lzop-9", ".lzo"),
            ("gzip-1", ".gz"), ("bzip2", ".bz2"), ("lzip-0", ".lz"), ("lzma-9", ".lzma"), ("none", ""), ("lz4", ""),
        ]
    )
    func compressions(_ word: String, _ suffix: String) throws {
        #expect(try OutputCompression(word).suffix == suffix)
    }

    @Test(
        "and no others",
        arguments: [
            "", "xz-10", "xz--1", "xz-", "gzip-0", "zstd-0", "zstd-23", "none-1", "lz4-1", "brotli", "XZ",
        ]
    )
    func noCompressions(_ word: String) {
        #expect(throws: RootcellarError.self) { try OutputCompression(word) }
    }

    @Test("a mirror is put into pacman's list only where none is in force")
    func mirrors() {
        let list = "## World\n#Server = https://a.invalid/$repo\n# Server = https://b.invalid/$repo"
        #expect(
            PacmanSetup.chosen(list, mirror: nil)?.hasPrefix("## World\nServer = https://a.invalid/$repo\n# ") == true
        )
        let active = "Server=https://c.invalid\n#Server = https://a.invalid"
        #expect(PacmanSetup.chosen(active, mirror: nil) == active)
        #expect(PacmanSetup.chosen("# nothing", mirror: nil) == nil)
        #expect(PacmanSetup.chosen(list, mirror: "https://m/") == "Server = https://m/$repo/os/$arch\n")
        #expect(PacmanSetup.chosen("", mirror: "https://m/$arch") == "Server = https://m/$arch\n")
    }
}
