// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder
@testable import Definition

/// What is read out of the files of a Debian archive.
@Suite("The archive's state", .scratchDirectory)
struct ArchiveStateTests {
    @Test(
        "dates of Release files are read",
        arguments: [
            ("Sat, 11 Jul 2026 09:46:42 UTC", "2026-07-11T09:46:42Z"),
            ("Fri,  1 Jan 2021 00:00:00 GMT", "2021-01-01T00:00:00Z"),
            ("Thu, 29 Feb 2024 23:59:59 +0000\r", "2024-02-29T23:59:59Z"),
        ]
    )
    func dates(text: String, expected: String) {
        #expect(Timestamp(releaseDate: text)?.description == expected)
    }

    @Test(
        "anything else is no date",
        arguments: ["", "Sat, 31 Feb 2026 09:46:42 UTC", "Sat, 11 Jul 2026 09:46:42 CET", "11 Jul 2026", "2026-07-11"]
    )
    func noDates(text: String) { #expect(Timestamp(releaseDate: text) == nil) }

    @Test("the newest Release file decides, whatever else lies there")
    func newest() throws {
        let rootfs = try RootfsDirectory(ScratchDirectory.path)
        let lists = "/var/lib/apt/lists"
        try rootfs.write("\(lists)/a_InRelease", Array("Origin: x\nDate: Sat, 11 Jul 2026 09:46:42 UTC\n".utf8))
        try rootfs.write("\(lists)/b_Release", Array("Date: Sun, 12 Jul 2026 09:46:42 UTC\n".utf8))
        try rootfs.write("\(lists)/a_Packages", Array("Date: Mon, 13 Jul 2026 09:46:42 UTC\n".utf8))
        let files = try ReleaseFile.all(in: rootfs)
        #expect(files.map(\.name) == ["a_InRelease", "b_Release"])
        #expect(files.map(\.date).max()?.description == "2026-07-12T09:46:42Z")
        try rootfs.write("\(lists)/c_InRelease", Array("Origin: no date\n".utf8))
        #expect {
            try ReleaseFile.all(in: rootfs)
        } throws: {
            ($0 as? RootcellarError)?.errorClass == .source
        }
    }

    @Test("package lists are read to the last stanza")
    func index() {
        let hash = String(repeating: "ab", count: 32)
        let other = String(repeating: "cd", count: 32)
        var index = PackageIndex()
        index.add(
            Array(
                """
                Package: libc6
                Architecture: amd64
                Version: 1:2.36-9+deb12u1
                Size: 12
                SHA256: \(hash)
                Description: x
                 Package: not a field

                Package: broken

                Package: last
                Version: 1/2
                Architecture: all
                SHA256: \(other)
                Size: 7
                """.utf8
            )
        )
        #expect(
            index.entries == [
                hash: .init(fileName: "libc6_1%3a2.36-9+deb12u1_amd64.deb", size: 12),
                other: .init(fileName: "last_1%2f2_all.deb", size: 7),
            ]
        )
        let plan = "'http://x/last.deb' last_1%2f2_all.deb 7 SHA256:\(other)\nE: noise\n"
        #expect(AptManager.wanted(Array(plan.utf8), index).keys.map { $0 } == [other])
    }

    @Test("a cached package is only given to apt when its bytes are those of the list")
    func cache() throws {
        let root = ScratchDirectory.path.appending("root")
        try makeHostDirectory(root)
        let rootfs = try RootfsDirectory(root)
        let cache = try BuildCache(ScratchDirectory.path.appending("cache")).packages
        let bytes = Array("a package".utf8)
        let hash = SHA256Digest(hashing: bytes).description
        var index = PackageIndex()
        index.add(Array("Package: p\nVersion: 1\nArchitecture: all\nSize: \(bytes.count)\nSHA256: \(hash)\n".utf8))
        let place = "/var/cache/apt/archives/p_1_all.deb"
        try rootfs.write(place, bytes)
        try rootfs.write("/var/cache/apt/archives/q_1_all.deb", Array("of nobody's list".utf8))
        #expect(try cache.keep(from: rootfs, index) == [hash])
        try rootfs.remove("/var/cache/apt/archives")
        #expect(try cache.seed(index.entries, into: rootfs) == bytes.count)
        #expect(try rootfs.read(place) == bytes)
        try rootfs.remove("/var/cache/apt/archives")
        let stored = ScratchDirectory.path.appending("cache/packages/sha256/\(hash)")
        try writeFile(stored, Array("b package".utf8))
        #expect(try cache.seed(index.entries, into: rootfs) == 0)
        #expect(!rootfs.exists(place))
        #expect(throws: Errno.self) { try readFile(stored) }
    }

    @Test("sources follow the definition, then the configured mirror, then nobody's but mmdebstrap's")
    func sources() {
        var source = SourceSection()
        func arguments(_ mirror: String?, suite: String = "bookworm") -> [String] {
            SourcesList.arguments(source, distribution: "Debian", suite: suite, components: ["main"], mirror: mirror)
        }
        #expect(arguments(nil).isEmpty)
        #expect(
            arguments("http://m/debian/") == [
                "deb http://m/debian bookworm main", "deb http://m/debian bookworm-updates main",
                "deb http://m/debian-security bookworm-security main",
            ]
        )
        #expect(arguments("http://m/debian", suite: "sid") == ["deb http://m/debian sid main"])
        source.url = SourceText("http://d/debian")
        #expect(arguments("http://m/debian") == ["deb http://d/debian bookworm main"])
    }

    @Test("no path of the builder stays in an image's sources")
    func signedBy() {
        #expect(
            SourcesList.forImage("deb [signed-by=\"/k.gpg\"] http://x a main\ndeb [arch=i386 trusted=yes] http://y b\n")
                == "deb http://x a main\ndeb [arch=i386] http://y b\n"
        )
    }

    @Test("only installed packages are listed, sorted")
    func status() {
        let text = """
            Package: zlib1g
            Status: install ok installed
            Architecture: amd64
            Source: zlib (1:1.2.13)
            Version: 1:1.2.13.dfsg-1+b1
            Description: x
             Version: not a field

            Package: gone
            Status: deinstall ok config-files
            Architecture: amd64
            Version: 1

            Package: adduser
            Status: install ok installed
            Architecture: all
            Version: 3.134
            """
        #expect(
            DpkgStatus.packages(text) == [
                .init(name: "adduser", version: "3.134", architecture: "all"),
                .init(name: "zlib1g", version: "1:1.2.13.dfsg-1+b1", architecture: "amd64", source: "zlib"),
            ]
        )
    }
}
