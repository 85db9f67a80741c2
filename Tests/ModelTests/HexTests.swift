// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("Hex digits")
struct HexTests {
    @Test("read back as the bytes they stand for")
    func roundTrip() {
        var generator = SeededGenerator()
        for count in 0..<64 {
            let bytes = generator.bytes(count)
            for upperCase in [true, false] {
                let text = hexText(bytes, upperCase: upperCase)
                #expect(text.utf8.count == 2 * count, "seed \(generator.seed)")
                #expect(bytesFromHex(text, upperCase: upperCase) == bytes, "seed \(generator.seed)")
            }
        }
        #expect(hexText(0...255).hasPrefix("000102") && hexText(0...255).hasSuffix("fdfeff"))
    }

    @Test(
        "are of one case, an even number, and nothing else",
        arguments: ["0", "abc", "AB", "0g", "0x00", " 00", "-1", "\u{0661}0"]
    )
    func refused(_ text: String) {
        #expect(bytesFromHex(text, upperCase: false) == nil)
    }

    @Test("in upper case are not read as lower case, nor the other way round")
    func cases() {
        #expect(bytesFromHex("AB", upperCase: true) == [0xAB])
        #expect(bytesFromHex("ab", upperCase: true) == nil)
        #expect(bytesFromHex("09", upperCase: true) == bytesFromHex("09", upperCase: false))
    }
}
