// SPDX-License-Identifier: Apache-2.0

import Model

/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7). The two obsolete forms are not read;
/// a condition that cannot be read is one that does not hold, and the client gets the whole file.
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Writes a moment of the years 1970 to 9999.
    static func text(_ moment: Timestamp) -> String {
        let seconds = min(max(moment.seconds, 0), 253_402_300_799)
        let date = Array(Timestamp(seconds: seconds).description.utf8)  // YYYY-MM-DDThh:mm:ssZ
        func field(_ range: Range<Int>) -> String { String(decoding: date[range], as: UTF8.self) }
        let month = months[(Int(field(5..<7)) ?? 1) - 1]
        let day = days[Int(seconds / 86400 % 7)]
        return "\(day), \(field(8..<10)) \(month) \(field(0..<4)) \(field(11..<19)) GMT"
    }

    /// Reads the form that `text` writes; nil for anything else.
    static func moment(_ text: String) -> Timestamp? {
        let words = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 6, words[0].utf8.count == 4, words[1].utf8.count == 2, words[3].utf8.count == 4,
            words[5] == "GMT", let month = months.firstIndex(of: words[2])
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp("\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }
}
