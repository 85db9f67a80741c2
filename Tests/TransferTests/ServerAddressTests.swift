// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

@Suite("A server address")
struct ServerAddressTests {
    @Test(
        "has one form",
        arguments: [
            ("https://example.org", "https://example.org"),
            ("example.org", "https://example.org"),
            ("HTTPS://Example.ORG:443//", "https://example.org"),
            ("example.org:8443/Images/", "https://example.org:8443/Images"),
            ("https://example.org/a/b///", "https://example.org/a/b"),
            ("localhost:1", "https://localhost:1"),
            ("[::1]:8443", "https://[::1]:8443"),
            ("https://[2001:DB8::1]/x", "https://[2001:db8::1]/x"),
            ("[fe80::1%25eth0]", "https://[fe80::1%25eth0]"),
            ("192.0.2.1", "https://192.0.2.1"),
        ]
    )
    func normal(_ text: String, _ url: String) throws {
        let address = try ServerAddress(text)
        #expect(address.url == url)
        #expect(try ServerAddress(address.url) == address)
    }

    @Test(
        "is refused with POLICY",
        arguments: [
            "", "/", "https://", "https:///x", "http://example.org", "ftp://example.org", "file:///etc/passwd",
            "://example.org", "user@example.org", "https://user:word@example.org", "example.org?x", "example.org#x",
            "example.org/?x", "example.org:", "example.org:0", "example.org:65536", "example.org:-1", "example.org:8x",
            "example.org:+80", "exa mple.org", "example.org/a b", "example.org/../x", "example.org/./x",
            "example.org/a//b", "example.org/%2e%2e", "example.org\\x", "example.org/a\\b", "-example.org",
            "example..org", ".example.org", "ex\u{e4}mple.org", "example.org\n", "example.org\r\nHost: x",
            "example.org\0", "[::1", "::1", "[::g]", "[::1]x", "[::1%25]", "[]", "[1.2.3.4]", "a:b:c",
        ]
    )
    func refused(_ text: String) {
        let error = #expect(throws: RootcellarError.self) { try ServerAddress(text) }
        #expect(error?.errorClass == .policy)
    }

    @Test("never shows a password")
    func password() {
        for text in ["https://me:hunter2@example.org", "me:hunter2@example.org", "https://me:hunt@er2@example.org/x"] {
            let error = #expect(throws: RootcellarError.self) { try ServerAddress(text) }
            #expect(error?.description.contains("unt") == false)
        }
    }

    @Test("encodes what has a meaning in URLs")
    func encodes() throws {
        let address = try ServerAddress("example.org/p")
        #expect(
            address.url(of: "images/debian/20260101_00:00/a+b~c")
                == "https://example.org/p/images/debian/20260101_00:00/a%2Bb~c"
        )
        #expect(address.url(of: "a b?c#d%e\u{e4}") == "https://example.org/p/a%20b%3Fc%23d%25e%C3%A4")
    }

    @Test("that is random text is refused or reads back as itself")
    func fuzz() {
        var generator = SeededGenerator()
        let pieces = [
            "https://", "http://", "//", "/", ":", "@", "?", "#", "%25", "[", "]", "::1", "a", "B", "8443", "..", ".",
            "-", "\0", "\r\n", " ", "\u{202E}", "xn--a", "example.org",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...7, using: &generator)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }.joined()
            guard let address = try? ServerAddress(text) else { continue }
            #expect((try? ServerAddress(address.url)) == address, "\(text), seed \(generator.seed)")
            #expect(
                address.url.hasPrefix("https://") && address.url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                    && !address.url.contains("@") && !address.url.hasSuffix("/"),
                "\(text), seed \(generator.seed)"
            )
        }
    }
}
