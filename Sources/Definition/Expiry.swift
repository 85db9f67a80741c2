// SPDX-License-Identifier: Apache-2.0

/// How long an image is good for: numbers with a unit, as in `30d` or `1w 3d`, added together.
enum Expiry {
    /// What counts where a definition says nothing.
    static let standard = "30d"

    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]

    /// The seconds that `text` stands for; nil if any part of it is not understood, or if it is too long for a date.
    static func seconds(_ text: String) -> Int64? {
        var total: Int64 = 0
        var rest = text[...].drop { $0.isWhitespace }
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard let number = Int64(digits), let unit = rest.popFirst(), let factor = units[unit] else { return nil }
            let (part, tooLong) = number.multipliedReportingOverflow(by: factor)
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !tooLong, !overflow else { return nil }
            total = sum
            rest = rest.drop { $0.isWhitespace }
        }
        return total
    }
}
