// SPDX-License-Identifier: Apache-2.0

/// A list of checksums as distributions publish them: `HEX  NAME` and `HEX *NAME` (sha256sum(1)), `SHA256 (NAME) = HEX`
/// (BSD), or a single sum.
struct ChecksumList {
    /// Which sums.
    enum Algorithm: String, Sendable {
        case sha256 = "SHA256"
        case sha512 = "SHA512"

        var digits: Int { self == .sha256 ? 64 : 128 }
    }

    private let lines: [Substring]

    /// Reads a list. Comments stay: some lists name the algorithm in them.
    init(_ text: String) { lines = text.split(whereSeparator: \.isNewline) }

    /// Names and sums of one algorithm, in their order; the last component of a name counts.
    func entries(_ algorithm: Algorithm) -> [(name: String, sum: String)] {
        var result: [(String, String)] = []
        var section: Substring?
        for line in lines {
            if line.hasPrefix("#") {
                section = line.dropFirst().split(separator: " ").first
                continue
            }
            // Sums of another algorithm may have the same length.
            if let section, section != algorithm.rawValue, line.contains("  ") { continue }
            guard let (name, sum) = Self.pair(line, algorithm) else { continue }
            result.append((String(name.split(separator: "/").last ?? name), sum.lowercased()))
        }
        return result
    }

    /// The sum of a file. A list that is a single sum is taken for any file, as it lies beside one.
    func sum(of name: String, _ algorithm: Algorithm) -> String? {
        let all = entries(algorithm)
        if let entry = all.first(where: { $0.name == name }) { return entry.sum }
        let words = lines.first?.split(separator: " ") ?? []
        guard lines.count == 1, words.count == 1, Self.isSum(words[0], algorithm) else { return nil }
        return words[0].lowercased()
    }

    private static func isSum(_ word: Substring, _ algorithm: Algorithm) -> Bool {
        word.utf8.count == algorithm.digits && word.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    private static func pair(_ line: Substring, _ algorithm: Algorithm) -> (name: Substring, sum: Substring)? {
        let words = line.split(separator: " ")
        if words.count == 2, isSum(words[0], algorithm) {
            return (words[1].hasPrefix("*") ? words[1].dropFirst() : words[1], words[0])
        }
        guard words.count == 4, words[0] == algorithm.rawValue, words[2] == "=", isSum(words[3], algorithm),
            words[1].hasPrefix("("), words[1].hasSuffix(")")
        else { return nil }
        return (words[1].dropFirst().dropLast(), words[3])
    }
}
