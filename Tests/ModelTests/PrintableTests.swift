// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("Printable text")
struct PrintableTests {
    @Test(
        "shows what would move the cursor, reorder the line or hide",
        arguments: [
            ("\u{1B}[31m", "\\u{1b}[31m"), ("a\nb\r\n\t", "a\\u{a}b\\u{d}\\u{a}\\u{9}"), ("\0\u{7F}", "\\u{0}\\u{7f}"),
            ("\u{9B}31m", "\\u{9b}31m"), ("\u{202E}fdp", "\\u{202e}fdp"), ("a\u{200B}b", "a\\u{200b}b"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"), ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("\u{FEFF}", "\\u{feff}"), ("\u{E0041}", "\\u{e0041}"),
            ("\u{1B}]52;c;eA==\u{7}", "\\u{1b}]52;c;eA==\\u{7}"),
        ]
    )
    func escapes(_ text: String, _ result: String) {
        #expect(printable(text) == result)
    }

    @Test(
        "leaves everything else alone",
        arguments: ["", "plain text", "\u{e4}\u{4e2d}\u{1F600}", "e\u{301}", "\\u{a}", "a b"]
    )
    func keeps(_ text: String) {
        #expect(printable(text) == text)
    }

    @Test("is cut at its limit")
    func cut() {
        #expect(printable("abcdef", limit: 3) == "abc…")
        #expect(printable("abc", limit: 3) == "abc")
        #expect(printable("", limit: 0) == "")
        #expect(printable(String(repeating: "a", count: 10_000)).unicodeScalars.count == 2049)
    }

    @Test("has nothing unprintable in it, whatever went in, and stays as it is the second time")
    func fuzz() {
        var generator = SeededGenerator()
        for _ in 0..<5000 {
            let count = Int.random(in: 0...40, using: &generator)
            let text =
                Bool.random(using: &generator)
                ? String(decoding: generator.bytes(count), as: UTF8.self)
                : String(
                    String.UnicodeScalarView(
                        (0..<count).compactMap { _ in
                            Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator))
                        }
                    )
                )
            let result = printable(text)
            #expect(result.unicodeScalars.allSatisfy { !isUnprintable($0) }, "seed \(generator.seed)")
            #expect(printable(result) == result, "seed \(generator.seed)")
        }
    }
}
