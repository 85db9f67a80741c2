// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("An address to listen on")
struct HostAndPortTests {
    @Test(
        "is a name or an address and a port",
        arguments: [
            ("127.0.0.1:8443", "127.0.0.1", 8443), ("localhost:0", "localhost", 0), ("[::1]:443", "::1", 443),
            ("0.0.0.0:1", "0.0.0.0", 1), ("images.example.org:65535", "images.example.org", 65535),
        ]
    )
    func reads(_ text: String, _ host: String, _ port: Int) throws {
        let address = try HostAndPort(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.description == text)
    }

    @Test(
        "is refused as USAGE when it is anything else",
        arguments: [
            "", ":", "localhost", "localhost:", ":8443", "localhost:65536", "localhost:+1", "localhost:-1",
            "localhost: 1", "localhost:１", "::1:8443", "[::1]", "[::1]8443", "[]:1", "[127.0.0.1]:1", "[::g]:1",
            "a b:1",
            "-a:1", "a-:1", "a..b:1", "1.2.3:1", "256.1.1.1:1", "ä:1", "a/b:1", "a\n:1", "localhost:000001",
        ]
    )
    func refuses(_ text: String) {
        #expect { try HostAndPort(text) } throws: { ($0 as? RootcellarError)?.errorClass == .usage }
    }

    @Test("knows when it is out of reach of others")
    func loopback() throws {
        for text in ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"] {
            #expect(try HostAndPort(text).isLoopback)
        }
        for text in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.org:1", "[1::]:1"] {
            #expect(try !HostAndPort(text).isLoopback)
        }
    }
}

@Suite("The options of serve")
struct ServeOptionsTests {
    @Test("take a certificate and its key together or not at all")
    func pair() throws {
        #expect(throws: RootcellarError.self) {
            try ServeOptions(repository: "/x", listen: "[::1]:0", tlsCertificate: "/c")
        }
        #expect(throws: RootcellarError.self) { try ServeOptions(repository: "/x", listen: "[::1]:0", tlsKey: "/k") }
        guard case .selfSigned = try ServeOptions(repository: "/x", listen: "[::1]:0").security else {
            Issue.record("no TLS by default")
            return
        }
    }

    @Test("refuse plain HTTP where others can reach it")
    func plain() throws {
        var options = try ServeOptions(repository: "/x", listen: "0.0.0.0:0")
        options.security = .none
        #expect { try options.makeIdentity() } throws: { ($0 as? RootcellarError)?.errorClass == .policy }
        options = try ServeOptions(repository: "/x", listen: "127.0.0.1:0")
        options.security = .none
        #expect(try options.makeIdentity() == nil)
    }
}

@Suite("A requested path")
struct RequestPathTests {
    @Test(
        "names a file below the root, in whatever spelling clients use",
        arguments: [
            ("/", ".", true), ("//", ".", true), ("/a", "a", false), ("//meta//1.0///index", "meta/1.0/index", false),
            ("/a/", "a", true), ("/a?b=/../c", "a", false), ("/20260101_00:00/x", "20260101_00:00/x", false),
            ("/20260101_00%3a00/%78", "20260101_00:00/x", false), ("/a%20b", "a b", false), ("/a%C3%A4", "aä", false),
            ("/%252e", "%2e", false), ("/a..b/c.", "a..b/c.", false),
        ]
    )
    func reads(_ target: String, _ name: String, _ isDirectory: Bool) {
        let path = RequestPath(target: target)
        #expect(path?.relative == name)
        #expect(path?.namesDirectory == isDirectory)
    }

    @Test("with anything that could lead elsewhere is nothing at all", arguments: hostilePaths())
    func refuses(_ target: String) {
        #expect(RequestPath(target: target) == nil)
    }

    @Test("longer than the limit is nothing, up to it is something")
    func length() {
        #expect(RequestPath(target: "/" + String(repeating: "a", count: 1023)) != nil)
        #expect(RequestPath(target: "/" + String(repeating: "a", count: 1024)) == nil)
    }

    @Test("made of any bytes is nothing, or names visible components only")
    func anything() {
        var random = SeededGenerator()
        let parts = [
            "/", ".", "..", "%", "%2e", "%2F", "%00", "a", "\\", "%5c", "?", "é", "\u{1}", "%C3", "%c0%ae", " ", "~",
        ]
        for _ in 0..<20_000 {
            let target =
                "/"
                + (0..<Int.random(in: 0...8, using: &random))
                .map { _ in parts[Int.random(in: 0..<parts.count, using: &random)] }.joined()
            guard let path = RequestPath(target: target) else { continue }
            for name in path.components {
                let isFine =
                    !name.isEmpty && !name.hasPrefix(".")
                    && !name.utf8.contains { $0 < 0x20 || $0 == 0x2F || $0 == 0x5C }
                #expect(isFine, "seed \(random.seed): \(target)")
            }
            #expect(path.asDirectoryURL.hasPrefix("/") && !path.asDirectoryURL.hasPrefix("//"))
            #expect(
                RequestPath(target: path.asDirectoryURL)?.components == path.components,
                "seed \(random.seed): \(target)"
            )
        }
    }
}

@Suite("A byte range")
struct ByteRangeTests {
    static let table: [(String?, Int64, ByteRange)] = [
        (nil, 10, .whole), ("bytes=0-0", 10, .part(0..<1)), ("bytes=0-", 10, .part(0..<10)),
        ("bytes=3-5", 10, .part(3..<6)), ("bytes=9-9", 10, .part(9..<10)), ("bytes=5-100", 10, .part(5..<10)),
        ("bytes=-3", 10, .part(7..<10)), ("bytes=-100", 10, .part(0..<10)), ("Bytes=1-1", 10, .part(1..<2)),
        ("bytes = 1 - 1", 10, .part(1..<2)), ("bytes=0-9223372036854775807", 10, .part(0..<10)),
        ("bytes=0-99999999999999999999999999", 10, .part(0..<10)), ("bytes=-99999999999999999999", 10, .part(0..<10)),
        ("bytes=00000000000000000000000003-4", 10, .part(3..<5)), ("bytes=1-1,", 10, .part(1..<2)),
        ("bytes=10-", 10, .unsatisfiable), ("bytes=10-20", 10, .unsatisfiable), ("bytes=-0", 10, .unsatisfiable),
        ("bytes=5-4", 10, .unsatisfiable), ("bytes=", 10, .unsatisfiable), ("bytes=-", 10, .unsatisfiable),
        ("bytes=a-b", 10, .unsatisfiable), ("bytes=1", 10, .unsatisfiable), ("bytes=--1", 10, .unsatisfiable),
        ("bytes=-1-2", 10, .unsatisfiable), ("bytes=0x1-2", 10, .unsatisfiable), ("bytes=+1-2", 10, .unsatisfiable),
        ("bytes=9223372036854775807-", 10, .unsatisfiable), ("bytes=18446744073709551616-", 10, .unsatisfiable),
        ("bytes=18446744073709551616-18446744073709551617", 10, .unsatisfiable), ("bytes=0-", 0, .unsatisfiable),
        ("bytes=-1", 0, .unsatisfiable), ("bytes=0-0,2-3", 10, .whole), ("bytes=0-,0-,0-,0-", 10, .whole),
        ("bytes=a,b", 10, .whole), ("items=0-1", 10, .whole), ("0-1", 10, .whole), ("", 10, .whole),
    ]

    @Test("is one part, the whole, or nothing", arguments: table)
    func reads(_ value: String?, _ size: Int64, _ expected: ByteRange) {
        #expect(ByteRange(value, size: size) == expected)
    }

    @Test("of any spelling lies within the file")
    func anything() {
        var random = SeededGenerator()
        let parts = [
            "0", "1", "9", "-", "-", ",", "99999999999999999999", "9223372036854775807", " ", "x", "=", "bytes=",
        ]
        for _ in 0..<20_000 {
            let value =
                "bytes="
                + (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    parts[Int.random(in: 0..<parts.count, using: &random)]
                }
                .joined()
            let size = Int64.random(in: 0...12, using: &random)
            guard case .part(let range) = ByteRange(value, size: size) else { continue }
            #expect(
                !range.isEmpty && range.lowerBound >= 0 && range.upperBound <= size,
                "seed \(random.seed): \(value)"
            )
        }
    }
}

@Suite("A date of HTTP")
struct HTTPDateTests {
    @Test("is written and read as RFC 9110 has it")
    func example() {
        let moment = Timestamp(seconds: 784_111_777)
        #expect(HTTPDate.text(moment) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.moment("Sun, 06 Nov 1994 08:49:37 GMT") == moment)
    }

    @Test("comes back as itself")
    func roundTrip() {
        for seconds in stride(from: Int64(0), to: 4_102_444_800, by: 86_400 * 90 + 12_345) {
            #expect(HTTPDate.moment(HTTPDate.text(Timestamp(seconds: seconds))) == Timestamp(seconds: seconds))
        }
    }

    @Test(
        "in another form is none",
        arguments: [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun,  6 Nov 1994 08:49:37 GMT",
        ]
    )
    func refuses(_ text: String) { #expect(HTTPDate.moment(text) == nil) }
}

@Suite("What is said of a file")
struct FileKindTests {
    static let build = ["images", "debian", "bookworm", "amd64", "default", "20260101_00:00"]

    @Test("follows from its place in the tree")
    func table() {
        let rows: [([String], String, String)] = [
            (["rootcellar", "pointer.signed"], "application/octet-stream", FileKind.ask),
            (["rootcellar", "root", "1.signed"], "application/octet-stream", FileKind.forever),
            (["rootcellar", "root", "1.asc"], "application/pgp-keys", FileKind.forever),
            (["rootcellar", "manifest", "7.signed"], "application/octet-stream", FileKind.forever),
            (["rootcellar", "index", "ab.json"], "application/json", FileKind.forever),
            (["meta", "1.0", "index-system"], "text/plain; charset=utf-8", FileKind.ask),
            (["meta", "1.0", "index-system.5"], "text/plain; charset=utf-8", FileKind.ask),
            (["meta", "1.0", "index-system.5.asc"], "application/pgp-signature", FileKind.ask),
            (["streams", "v1", "images.json"], "application/json", FileKind.ask),
            (["index.html"], "text/html; charset=utf-8", FileKind.ask),
            (Self.build + ["index.html"], "text/html; charset=utf-8", FileKind.ask),
            (Self.build + ["rootfs.tar.xz"], "application/x-xz", FileKind.forever),
            (Self.build + ["rootfs.tar.xz.asc"], "application/pgp-signature", FileKind.ask),
            (Self.build + ["rootfs.tar.zst"], "application/zstd", FileKind.forever),
            (Self.build + ["rootfs.squashfs"], "application/vnd.squashfs", FileKind.forever),
            (Self.build + ["image.json"], "application/json", FileKind.forever),
            (Self.build + ["build.log"], "text/plain; charset=utf-8", FileKind.forever),
            (Self.build + ["image.yaml"], "text/plain; charset=utf-8", FileKind.forever),
            (Self.build + ["SHA256SUMS"], "text/plain; charset=utf-8", FileKind.ask),
            (["images", "a", "b", "c", "d", "latest", "rootfs.tar.xz"], "application/x-xz", FileKind.ask),
        ]
        for (components, type, caching) in rows {
            #expect(FileKind(components).type == type, "\(components)")
            #expect(FileKind(components).caching == caching, "\(components)")
        }
    }
}

/// More than 200 ways to leave the tree, or to see what is hidden in it.
func hostilePaths() -> [String] {
    let ups = [
        "..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "..%00", "..%5c", "..\\", "...", "....", ".%00.", "..%0a", "..%20",
        "..%2f", "%2e%2e%2f", "%2e%2e/", "..%c0%af", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e",
    ]
    let targets = ["etc/passwd", "etc%2fpasswd", "outside/file", "outside%2Ffile", "tree/index.html"]
    var paths: [String] = []
    for up in ups {
        for target in targets {
            paths.append("/\(up)/\(target)")
            paths.append("/images/\(up)/\(up)/\(target)")
        }
    }
    paths += [
        "", "*", "index.html", "../index.html", "/.", "/..", "/./index.html", "/images/.", "/images/..",
        "/.hidden/file",
        "/%2ehidden/file", "/images/.lock", "/images/%2Elock", "/meta/.1.0-a/index-system", "/index.html%00",
        "/index.html%00.json", "/%", "/%2", "/%zz", "/%%", "/index.html%", "/images%2findex.html",
        "/images%2Findex.html",
        "/images%5cindex.html", "/images\\index.html", "/%09", "/%0d%0a", "/a%7f", "/a%c2%85", "/%ff", "/%80", "/%c3",
        "/a b", "/ä", "/\u{7F}", "/%ed%a0%80", "/%f8%88%80%80%80", "/" + String(repeating: "a/", count: 512),
        "/" + String(repeating: "../", count: 300), "/" + String(repeating: "%2e%2e/", count: 100),
    ]
    return paths
}
