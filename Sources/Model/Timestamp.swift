// SPDX-License-Identifier: Apache-2.0

/// A moment in whole seconds of Unix time; written `YYYY-MM-DDThh:mm:ssZ` (RFC 3339, UTC, no fraction) in documents.
package struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z.
    package let seconds: Int64

    /// The moment `seconds` after the epoch.
    package init(seconds: Int64) { self.seconds = seconds }

    /// Reads exactly `YYYY-MM-DDThh:mm:ssZ`; nil for anything else, impossible dates included.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] == 0x54, bytes[13] == 0x3A,
            bytes[16] == 0x3A, bytes[19] == 0x5A,
            let year = decimalNumber(bytes[0..<4]), let month = decimalNumber(bytes[5..<7]),
            let day = decimalNumber(bytes[8..<10]),
            let hour = decimalNumber(bytes[11..<13]), let minute = decimalNumber(bytes[14..<16]),
            let second = decimalNumber(bytes[17..<19]),
            let value = CivilTime(
                year: year,
                month: month,
                day: day,
                hour: hour,
                minute: minute,
                second: second
            ).secondsSinceEpoch
        else { return nil }
        seconds = value
    }

    package var description: String {
        let civil = CivilTime(secondsSinceEpoch: seconds)
        return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
            + "T\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))Z"
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }

    /// The moment `seconds` later, held at the end of what 64 bits can say.
    package func adding(seconds more: Int64) -> Timestamp {
        let (sum, overflow) = seconds.addingReportingOverflow(more)
        return Timestamp(seconds: overflow ? (more > 0 ? .max : .min) : sum)
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Timestamp(text) else { throw DocumentFieldError(what: "not a time in UTC", value: text) }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Timestamp {
    /// As mail and simplestreams write it (RFC 5322), in UTC.
    package var internetDate: String {
        let civil = CivilTime(secondsSinceEpoch: seconds)
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // The epoch was a Thursday.
        let day = Int((seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0)) % 7 + 7) % 7
        return "\(days[day]), \(padded(civil.day, 2)) \(months[civil.month - 1]) \(padded(civil.year, 4))"
            + " \(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2)) +0000"
    }
}
