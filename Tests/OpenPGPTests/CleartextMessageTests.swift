// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@testable import OpenPGP

@Suite("Signed texts of others")
struct CleartextMessageTests {
    private static let signature = "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"

    private func parse(_ text: String) throws -> CleartextMessage {
        try CleartextMessage(Array(text.utf8), subject: "list")
    }

    @Test("the text is what was signed: escapes taken away, blanks at line ends not covered")
    func content() throws {
        let message = try parse(
            "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\nHash: SHA512\n\n# a \n- -dash\nend\n" + Self.signature
        )
        #expect(message.text == "# a \n-dash\nend\n")
        #expect(message.signed == Array("# a\r\n-dash\r\nend".utf8))
        #expect(message.signature == Array(Self.signature.utf8))
    }

    @Test(
        "whatever stands around it, and what two readers could take differently, is refused",
        arguments: [
            "before\n-----BEGIN PGP SIGNED MESSAGE-----\n\na\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\nComment: x\n\na\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\n\n-a\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\n\na\n-----BEGIN PGP SIGNED MESSAGE-----\n\nb\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256", "",
        ]
    )
    func refusals(_ head: String) {
        #expect(throws: RootcellarError.self) { try parse(head + Self.signature) }
        #expect(throws: RootcellarError.self) {
            try parse("-----BEGIN PGP SIGNED MESSAGE-----\n\na\n" + Self.signature + "behind\n")
        }
        #expect(throws: RootcellarError.self) { try parse("-----BEGIN PGP SIGNED MESSAGE-----\n\na\n") }
    }

    @Test("any text is a message or refused, and what is read back is what was signed")
    func anything() {
        var generator = SeededGenerator()
        for _ in 0..<1000 {
            let body = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
                "-\n\r \tabc#".utf8.randomElement(using: &generator) ?? 0
            }
            let text =
                "-----BEGIN PGP SIGNED MESSAGE-----\n\n\(String(decoding: body, as: UTF8.self))\n\(Self.signature)"
            guard let message = try? parse(text) else { continue }
            #expect(!message.text.contains("-----BEGIN PGP"))
            #expect(message.signature == Array(Self.signature.utf8))
        }
    }
}
