// SPDX-License-Identifier: Apache-2.0

/// Sizes and whole numbers as definitions write them.
enum ByteSize {
    /// Units of LXD and Incus: decimal with `B` alone, binary with `iB`.
    private static let units: [(name: String, factor: UInt64)] = [
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("PB", 1_000_000_000_000_000), ("EB", 1_000_000_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("PiB", 1 << 50), ("EiB", 1 << 60),
        ("B", 1), ("", 1),
    ]

    /// The bytes that `text` stands for, as in `8GiB` or `4294967296`; nil if it is no size or too big.
    static func bytes(_ text: String) -> UInt64? {
        let text = trimmed(text)
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = trimmed(String(text.dropFirst(digits.count)))
        guard let number = UInt64(digits), let factor = units.first(where: { $0.name == unit })?.factor else {
            return nil
        }
        let (size, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : size
    }

    /// A whole number by YAML 1.1: decimal, `0x`, `0b`, or octal with a leading zero; underscores between digits.
    static func wholeNumber(_ text: String) -> UInt64? {
        let digits = text.filter { $0 != "_" }
        guard let first = digits.first, first.isASCII, first.isNumber else { return nil }
        let lower = digits.lowercased()
        if lower.hasPrefix("0x") { return UInt64(lower.dropFirst(2), radix: 16) }
        if lower.hasPrefix("0b") { return UInt64(lower.dropFirst(2), radix: 2) }
        if lower.hasPrefix("0o") { return UInt64(lower.dropFirst(2), radix: 8) }
        if lower.hasPrefix("0"), lower.count > 1 { return UInt64(lower, radix: 8) }
        return UInt64(lower)
    }
}
