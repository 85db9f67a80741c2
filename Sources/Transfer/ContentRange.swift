// SPDX-License-Identifier: Apache-2.0

/// The value of a `Content-Range` header of a 206 answer: `bytes FIRST-LAST/TOTAL` (RFC 9110, 14.4).
struct ContentRange: Equatable {
    var first: Int
    var last: Int
    var total: Int

    init(first: Int, last: Int, total: Int) {
        self.first = first
        self.last = last
        self.total = total
    }

    /// Reads the one form that is of use here: an unknown total (`*`), another unit, an empty or impossible range
    /// are nil.
    init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let halves = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let total = decimalNumber(halves[1]) else { return nil }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = decimalNumber(ends[0]), let last = decimalNumber(ends[1]), first <= last,
            last < total
        else { return nil }
        self.init(first: first, last: last, total: total)
    }
}

/// The value of 1 to 18 decimal digits; nil for anything else, signs included.
func decimalNumber(_ digits: some StringProtocol) -> Int? {
    guard (1...18).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        return nil
    }
    return Int(digits)
}
