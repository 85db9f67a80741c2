// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("An image name")
struct ImageNameTests {
    @Test(
        "has four parts, the last of which may be left out",
        arguments: [
            ("debian/bookworm/amd64", "debian/bookworm/amd64/default"),
            ("debian/bookworm/amd64/cloud", "debian/bookworm/amd64/cloud"),
            ("alpine/3.21/arm64/a+b_c-d.e", "alpine/3.21/arm64/a+b_c-d.e"),
        ]
    )
    func path(_ text: String, _ path: String) throws {
        let name = try ImageName(path: text)
        #expect(name.path == path && name.description == path)
        #expect(try ImageName(path: name.path) == name)
    }

    @Test(
        "is nothing else: POLICY",
        arguments: [
            "", "debian", "debian/bookworm", "debian/bookworm/amd64/default/x", "/debian/bookworm/amd64", "a/b/c/",
            "a//c", "../../x/y", "a/../c", "a/./c", "a/b..c/d", "A/b/c", "a/B/c", "-a/b/c", ".a/b/c", "_a/b/c",
            "+a/b/c",
            "a/b c/d", "a/b\n/d", "a/b\0/d", "a\\b/c/d", "a/b%2e/c", "\u{e4}/b/c", "a/b;/c", "a/$b/c", "a/b:c/d",
            "a/~b/c",
            "\u{430}/b/c", "a\u{301}/b/c",
        ]
    )
    func refused(_ text: String) {
        #expect(errorClass { _ = try ImageName(path: text) } == .policy)
    }

    @Test("has parts of 1 to 64 bytes")
    func lengths() {
        #expect(ImageName.isName("a"))
        #expect(ImageName.isName(String(repeating: "a", count: 64)))
        #expect(!ImageName.isName(String(repeating: "a", count: 65)))
        #expect(!ImageName.isName(""))
    }

    @Test("names the part that is wrong")
    func part() {
        let error = #expect(throws: RootcellarError.self) {
            try ImageName(distribution: "debian", release: "bookworm", architecture: "AMD64")
        }
        #expect(error?.reason.contains("an architecture") == true && error?.subject == "'AMD64'")
    }

    @Test("sorts by distribution, release, architecture, variant")
    func order() throws {
        let names = try ["b/a/a/a", "a/b/a/a", "a/a/b/a", "a/a/a/b", "a/a/a/a"].map { try ImageName(path: $0) }
        #expect(names.sorted().map(\.path) == ["a/a/a/a", "a/a/a/b", "a/a/b/a", "a/b/a/a", "b/a/a/a"])
    }

    @Test("of random parts is refused or one harmless path of four components")
    func fuzz() {
        var generator = SeededGenerator()
        let letters = Array("ab09._+-/A \n\0\u{e4}%")
        for _ in 0..<50_000 {
            let text = String(
                (0..<Int.random(in: 0...14, using: &generator)).map { _ in
                    letters[Int.random(in: 0..<letters.count, using: &generator)]
                }
            )
            guard let name = try? ImageName(path: text) else { continue }
            let parts = name.path.split(separator: "/", omittingEmptySubsequences: false)
            let isHarmless =
                parts.count == 4
                && parts.allSatisfy { part in
                    !part.hasPrefix(".") && !part.hasPrefix("-") && !part.contains("..") && !part.isEmpty
                        && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }
                }
            #expect(isHarmless, "\(text), seed \(generator.seed)")
        }
    }
}
