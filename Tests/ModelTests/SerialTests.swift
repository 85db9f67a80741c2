// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("A serial")
struct SerialTests {
    @Test("is the minute of its time, in UTC")
    func fromTime() {
        #expect(Serial(Timestamp(seconds: 1_767_225_659)).description == "20260101_00:00")
    }

    @Test(
        "is refused when it is not YYYYMMDD_HH:MM of a real date",
        arguments: [
            "", "20260101_0000", "20260101_00:0", "20260230_00:00", "20261301_00:00", "20260101_24:00",
            "20260101_00:60", "20260101 00:00", "2026010a_00:00", "20260101_00:00 ",
        ]
    )
    func refuses(_ text: String) {
        #expect(throws: RootcellarError.self) { try Serial(text) }
    }
}
