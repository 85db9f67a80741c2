// SPDX-License-Identifier: Apache-2.0

/// Names one build of an image: UTC `YYYYMMDD_HH:MM`. Later builds sort higher as plain text, which is what every LXC
/// and LXD client relies on.
package struct Serial: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let text: String

    /// Reads exactly `YYYYMMDD_HH:MM` of a date that exists.
    ///
    /// - Throws: `POLICY` for anything else.
    package init(_ text: String) throws(RootcellarError) {
        let bytes = Array(text.utf8)
        guard bytes.count == 14, bytes[8] == 0x5F, bytes[11] == 0x3A,
            let year = decimalNumber(bytes[0..<4]), let month = decimalNumber(bytes[4..<6]),
            let day = decimalNumber(bytes[6..<8]),
            let hour = decimalNumber(bytes[9..<11]), let minute = decimalNumber(bytes[12..<14]),
            CivilTime(year: year, month: month, day: day, hour: hour, minute: minute).secondsSinceEpoch != nil
        else {
            throw RootcellarError(.policy, "not a serial", subject: "'\(text)'", hint: "write UTC as YYYYMMDD_HH:MM")
        }
        self.text = text
    }

    /// The serial of the minute that `time` lies in.
    package init(_ time: Timestamp) {
        let civil = CivilTime(secondsSinceEpoch: time.seconds)
        text =
            "\(padded(civil.year, 4))\(padded(civil.month, 2))\(padded(civil.day, 2))"
            + "_\(padded(civil.hour, 2)):\(padded(civil.minute, 2))"
    }

    package var description: String { text }

    /// The beginning of the minute.
    package var time: Timestamp {
        let digits = Array(text.utf8)
        let civil = CivilTime(
            year: decimalNumber(digits[0..<4]) ?? 0,
            month: decimalNumber(digits[4..<6]) ?? 0,
            day: decimalNumber(digits[6..<8]) ?? 0,
            hour: decimalNumber(digits[9..<11]) ?? 0,
            minute: decimalNumber(digits[12..<14]) ?? 0
        )
        return Timestamp(seconds: civil.secondsSinceEpoch ?? 0)
    }

    package static func < (left: Serial, right: Serial) -> Bool { left.text < right.text }
}

extension Serial: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
