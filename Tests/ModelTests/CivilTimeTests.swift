// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Model

@Suite("Civil time")
struct CivilTimeTests {
    @Test("counts every day of four centuries once, with the leap years of the calendar")
    func everyDay() {
        var seconds: Int64 = -11_676_096_000  // 1600-01-01
        for year in 1600..<2001 {
            let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
            for (index, days) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                for day in 1...days {
                    let civil = CivilTime(year: year, month: index + 1, day: day, hour: 0, minute: 0)
                    guard civil.secondsSinceEpoch == seconds, CivilTime(secondsSinceEpoch: seconds) == civil else {
                        Issue.record("\(civil) is not \(seconds)")
                        return
                    }
                    seconds += 86400
                }
                let next = CivilTime(year: year, month: index + 1, day: days + 1, hour: 0, minute: 0)
                #expect(next.secondsSinceEpoch == nil)
            }
        }
    }

    @Test(
        "has no value for what no clock shows",
        arguments: [
            [2026, 0, 1, 0, 0, 0], [2026, 13, 1, 0, 0, 0], [2026, 1, 0, 0, 0, 0], [2026, 1, 32, 0, 0, 0],
            [2026, 1, 1, 24, 0, 0], [2026, 1, 1, 0, 60, 0], [2026, 1, 1, 0, 0, 60], [2026, 1, 1, -1, 0, 0],
            [2025, 2, 29, 0, 0, 0], [1900, 2, 29, 0, 0, 0],
        ]
    )
    func impossible(_ parts: [Int]) {
        let civil = CivilTime(
            year: parts[0],
            month: parts[1],
            day: parts[2],
            hour: parts[3],
            minute: parts[4],
            second: parts[5]
        )
        #expect(civil.secondsSinceEpoch == nil)
    }

    @Test("reads plain digits and nothing else as decimal")
    func decimals() {
        #expect(decimalNumber(Array("0".utf8)) == 0)
        #expect(decimalNumber(Array("999999999999999999".utf8)) == 999_999_999_999_999_999)
        for text in ["", "-1", "+1", " 1", "1 ", "0x1", "1a", "1000000000000000000", "\u{0661}"] {
            #expect(decimalNumber(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test("pads on the left and never cuts")
    func pads() {
        #expect(padded(7, 2) == "07")
        #expect(padded(0, 4) == "0000")
        #expect(padded(12345, 4) == "12345")
    }
}
