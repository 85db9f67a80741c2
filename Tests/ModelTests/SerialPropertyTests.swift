// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("Serials")
struct SerialPropertyTests {
    @Test("say the minute they came from, and sort as it does")
    func properties() throws {
        var generator = SeededGenerator()
        for _ in 0..<20_000 {
            let left = Timestamp(seconds: Int64.random(in: 0...253_402_300_799, using: &generator))
            let right = Timestamp(seconds: Int64.random(in: 0...253_402_300_799, using: &generator))
            let serial = Serial(left)
            #expect(try Serial(serial.description) == serial, "seed \(generator.seed)")
            #expect(serial.time.seconds == left.seconds / 60 * 60, "seed \(generator.seed)")
            #expect((serial < Serial(right)) == (left.seconds / 60 < right.seconds / 60), "seed \(generator.seed)")
        }
    }

    @Test("of damaged text are refused or read back as the same text")
    func fuzz() {
        var generator = SeededGenerator()
        for _ in 0..<20_000 {
            var bytes = Array("20260101_00:00".utf8)
            bytes[Int.random(in: 0..<14, using: &generator)] = UInt8.random(in: 0x20...0x7E, using: &generator)
            let text = String(decoding: bytes, as: UTF8.self)
            guard let value = try? Serial(text) else { continue }
            #expect(value.description == text, "seed \(generator.seed)")
        }
    }
}
