// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("A file of settings")
struct KeyValueFileTests {
    private func read(_ text: String) throws -> KeyValueFile {
        try KeyValueFile(text, path: "f", known: ["server", "cache"]) { ["server", "cache"].contains($0) }
    }

    @Test(
        "has settings, comments and empty lines, with blanks as anybody likes them",
        arguments: [
            "server = a", "server=a", "  server\t=  a  ", "server = a\r\n", "# x\n\nserver = a\n",
            "\n#server = b\nserver = a",
            "server = a\r\n# y\r\n", "\tserver = a\n   # z",
        ]
    )
    func form(_ text: String) throws {
        let file = try read(text)
        #expect(file["server"] == "a" && file.entries.count == 1)
        #expect(file["cache"] == nil)
    }

    @Test("keeps all values of a key; the last one counts")
    func several() throws {
        let file = try read("server = a\ncache = c\nserver = b\nserver =")
        #expect(file.all("server") == ["a", "b", ""])
        #expect(file["server"] == "")
        #expect(file.entries.map(\.line) == [1, 2, 3, 4])
    }

    @Test("takes everything after the first equals sign as value")
    func equals() throws {
        #expect(try read("server = a = b # c")["server"] == "a = b # c")
    }

    @Test(
        "names file and line of what is wrong, and the nearest key",
        arguments: [
            ("server", 1, nil), ("\n\nserver: a", 3, nil), ("server = a\nsevrer = b", 2, "did you mean 'server'?"),
            ("SERVER = a", 1, "did you mean 'server'?"), ("= a", 1, nil), ("zzzzzzzz = 1", 1, nil),
        ]
    )
    func refused(_ text: String, _ line: Int, _ hint: String?) {
        let error = #expect(throws: RootcellarError.self) { try read(text) }
        #expect(error?.errorClass == .policy && error?.subject == "f:\(line)")
        if let hint { #expect(error?.hint == hint) }
    }

    @Test("of random text is refused, or says the same when it is written again")
    func fuzz() throws {
        var generator = SeededGenerator()
        let pieces = ["server", "cache", "=", " ", "\n", "\r\n", "\t", "#", "a", "\u{e4}", "\0", "\u{2028}", "=="]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...10, using: &generator)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }.joined()
            guard let file = try? read(text) else { continue }
            let again = try read(file.entries.map { "\($0.key) = \($0.value)\n" }.joined())
            #expect(again.entries.map(\.key) == file.entries.map(\.key), "seed \(generator.seed)")
            #expect(again.entries.map(\.value) == file.entries.map(\.value), "seed \(generator.seed)")
        }
    }

    @Test("is trimmed of blanks, tabs and carriage returns, inside untouched")
    func trims() {
        #expect(trimmed(" \t\r a b \r\t ") == "a b")
        #expect(trimmed("") == "" && trimmed(" \t ") == "")
        #expect(trimmed("\u{A0}a\u{A0}") == "\u{A0}a\u{A0}")
    }
}
