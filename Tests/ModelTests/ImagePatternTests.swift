// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("A pattern of images")
struct ImagePatternTests {
    @Test(
        "means the images whose parts all fit",
        arguments: [
            ("*", "debian/bookworm/amd64/default", true), ("*/*/*/*", "debian/bookworm/amd64/default", true),
            ("debian/*/amd64/*", "debian/bookworm/amd64/default", true),
            ("debian/*/amd64/*", "debian/bookworm/arm64/default", false),
            ("debian/*/amd64/*", "debian2/bookworm/amd64/default", false),
            ("deb*/*/*/*", "debian/bookworm/amd64/default", true), ("*an/*/*/*", "debian/bookworm/amd64/default", true),
            ("d*b*n/*/*/*", "debian/bookworm/amd64/default", true),
            ("d*x*n/*/*/*", "debian/bookworm/amd64/default", false),
            ("alpine/3.*/*/*", "alpine/3.21/amd64/default", true),
            ("alpine/3.*/*/*", "alpine/edge/amd64/default", false),
            ("debian/bookworm/amd64/default", "debian/bookworm/amd64/default", true),
            ("debian/bookworm/amd64/default*", "debian/bookworm/amd64/default", true),
            ("**/*/*/*", "debian/bookworm/amd64/default", true), ("debian", "debian/bookworm/amd64/default", true),
            ("debian/book*", "debian/bookworm/amd64/default", true), ("deb", "debian/bookworm/amd64/default", false),
            ("debian/*/amd??", "debian/bookworm/amd64/default", true),
            ("debian/*/amd?", "debian/bookworm/amd64/default", false),
        ]
    )
    func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(try ImagePattern(pattern).matches(ImageName(path: name)) == expected)
    }

    @Test(
        "is refused as USAGE when it can match no image",
        arguments: [
            "", "debian//amd64", "debian/*/amd64/", "/*/*/*", "*/*/*/*/*", "Debian/*/*/*", "../*/*/*", "a..b/*/*/*",
            "*/[a]/*/*", "*/ /*/*", "-a/*/*/*", "debian/*/amd64/*\n",
        ]
    )
    func refuses(_ text: String) {
        #expect { try ImagePattern(text) } throws: { ($0 as? RootcellarError)?.errorClass == .usage }
    }

    @Test("agrees with the plain definition of a star, however many there are")
    func anything() throws {
        var random = SeededGenerator()
        func fits(_ pattern: [Character], _ name: [Character]) -> Bool {
            guard let first = pattern.first else { return name.isEmpty }
            let rest = Array(pattern.dropFirst())
            if first == "*" { return (0...name.count).contains { fits(rest, Array(name.dropFirst($0))) } }
            return name.first == first && fits(rest, Array(name.dropFirst()))
        }
        func word(_ letters: [Character], _ length: ClosedRange<Int>) -> [Character] {
            (0..<Int.random(in: length, using: &random)).map { _ in
                letters[Int.random(in: 0..<letters.count, using: &random)]
            }
        }
        for _ in 0..<5000 {
            let (pattern, name) = (word(["a", "b", "*"], 1...7), word(["a", "b"], 1...8))
            let image = try ImageName(path: "\(String(name))/x/x/x")
            #expect(
                try ImagePattern("\(String(pattern))/*/*/*").matches(image) == fits(pattern, name),
                "seed \(random.seed): \(String(pattern)) \(String(name))"
            )
        }
        // Many stars cost no more than the product of both lengths.
        let stars = try ImagePattern(String(repeating: "*a", count: 32) + "/*/*/*")
        #expect(!stars.matches(try ImageName(path: String(repeating: "a", count: 31) + "b/x/x/x")))
    }
}

@Suite("A token")
struct BearerTokenTests {
    @Test("has 256 random bits and shows them only when it is asked for")
    func random() {
        let (one, other) = (BearerToken.random(), BearerToken.random())
        #expect(one.secret != other.secret && one.secret.count == 68 && one.secret.hasPrefix("rct_"))
        for text in ["\(one)", String(reflecting: one), "\([one])", "\(Optional(one) as Any)"] {
            #expect(!text.contains(one.secret.dropFirst(4)), "\(text)")
        }
        #expect(BearerToken(one.secret) == one)
    }

    @Test(
        "is what can stand in a header and be a secret",
        arguments: [
            "", "short", "0123456789abcde", "0123456789abcdef\n", "0123456789 abcdef", "0123456789abcdef\"",
            "0123456789=abcdef", "0123456789abcdeé", "================", String(repeating: "a", count: 4097),
        ]
    )
    func refuses(_ text: String) { #expect(BearerToken(text) == nil) }

    @Test("of ours is left out of every text, wherever it stands")
    func redacted() {
        let token = BearerToken.random().secret
        for text in [token, "a \(token) b", "\(token)\(token)", "?token=\(token)&x", "rct_\(token)", "é\(token)"] {
            let redacted = BearerToken.redacted(text)
            #expect(!redacted.contains(token.suffix(8)) && redacted.contains("rct_***"), "\(redacted)")
        }
        for text in ["", "rct", "rct_", "nothing", "é\u{1}"] { #expect(BearerToken.redacted(text) == text) }
    }
}
