// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("A fingerprint")
struct FingerprintTests {
    private static let hex = "0123456789ABCDEF0123456789ABCDEF01234567"

    @Test(
        "is read as people copy it",
        arguments: [
            hex, hex.lowercased(), "0x" + hex, "0X" + hex, "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567",
            " \(hex) ",
        ]
    )
    func read(_ text: String) throws {
        #expect(try Fingerprint(text).hex == Self.hex)
    }

    @Test("may have 64 digits")
    func long() throws {
        let hex = Self.hex + "89ABCDEF0123456789ABCDEF"
        #expect(try Fingerprint(hex).description == hex)
    }

    @Test(
        "is no key id and nothing else: POLICY",
        arguments: [
            "", "0x", "89ABCDEF", "0123456789ABCDEF", String(hex.dropLast()), hex + "0", "G" + hex.dropFirst(),
            hex + "\n",
            "0x0x" + hex.dropLast(2), "\t" + hex, "\u{FF10}" + hex.dropFirst(), "0x" + hex.dropFirst(2), hex + hex,
        ]
    )
    func refused(_ text: String) {
        #expect(errorClass { _ = try Fingerprint(text) } == .policy)
    }

    @Test("of random text is refused or 40 or 64 upper-case hex digits")
    func fuzz() {
        var generator = SeededGenerator()
        let letters = Array("0123456789abcdefABCDEF xXgG\u{df}")
        for _ in 0..<20_000 {
            let text = String(
                (0..<Int.random(in: 38...44, using: &generator)).map { _ in
                    letters[Int.random(in: 0..<letters.count, using: &generator)]
                }
            )
            guard let value = try? Fingerprint(text) else { continue }
            #expect(
                [40, 64].contains(value.hex.utf8.count) && bytesFromHex(value.hex, upperCase: true) != nil,
                "seed \(generator.seed)"
            )
        }
    }
}
