// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("A timestamp")
struct TimestampTests {
    @Test(
        "is written and read in the one form",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_767_225_599, "2025-12-31T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"), (-1, "1969-12-31T23:59:59Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ]
    )
    func form(_ seconds: Int64, _ text: String) {
        #expect(Timestamp(seconds: seconds).description == text)
        #expect(Timestamp(text) == Timestamp(seconds: seconds))
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01t00:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.0Z", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z ", " 2026-01-01T00:00:00Z", "2026-1-01T00:00:000Z", "20260101T000000Z0000",
            "\u{0662}026-01-01T00:00:00", "-999-01-01T00:00:00Z",
        ]
    )
    func refused(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("is what date(1) says, at random moments", .scratchDirectory)
    func againstDate() async throws {
        var generator = SeededGenerator()
        let times = (0..<500).map { _ in Int64.random(in: 0...253_402_300_799, using: &generator) }
        let file = ScratchDirectory.path.appending("times")
        try Data(times.map { "@\($0)\n" }.joined().utf8).write(to: URL(filePath: file.string))
        let date = try await runProgram("date", ["-u", "-f", file.string, "+%Y-%m-%dT%H:%M:%SZ"])
        let lines = date.output.split(separator: "\n").map(String.init)
        #expect(lines == times.map { Timestamp(seconds: $0).description }, "seed \(generator.seed)")
    }

    @Test("reads back as itself and sorts as its text does")
    func properties() {
        var generator = SeededGenerator()
        for _ in 0..<20_000 {
            let left = Timestamp(seconds: Int64.random(in: 0...253_402_300_799, using: &generator))
            let right = Timestamp(seconds: Int64.random(in: 0...253_402_300_799, using: &generator))
            guard Timestamp(left.description) == left, (left < right) == (left.description < right.description) else {
                Issue.record("\(left) \(right), seed \(generator.seed)")
                return
            }
        }
    }

    @Test("of random or damaged text is refused or reads back as the same text")
    func fuzz() {
        var generator = SeededGenerator()
        for _ in 0..<50_000 {
            var bytes = Array("2026-01-01T00:00:00Z".utf8)
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = UInt8.random(in: 0x20...0x7E, using: &generator)
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let value = Timestamp(text) else { continue }
            #expect(value.description == text, "seed \(generator.seed)")
        }
    }

    @Test("moves, and stops at the ends of what it can hold")
    func adding() {
        #expect(Timestamp(seconds: 5).adding(seconds: -7) == Timestamp(seconds: -2))
        #expect(Timestamp(seconds: 5).adding(seconds: .max).seconds == .max)
        #expect(Timestamp(seconds: -5).adding(seconds: .min).seconds == .min)
    }

    @Test(
        "of any number can be written",
        arguments: [Int64.max, Int64.min + 86399, 253_402_300_800, -62_167_219_201] as [Int64]
    )
    func extremes(_ seconds: Int64) {
        #expect(!Timestamp(seconds: seconds).description.isEmpty)
    }

    @Test("at the lowest end can be written")
    func lowest() async {
        await #expect(processExitsWith: .success) {
            #expect(!Timestamp(seconds: .min).description.isEmpty)
        }
    }
}
