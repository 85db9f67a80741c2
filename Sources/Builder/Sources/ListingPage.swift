// SPDX-License-Identifier: Apache-2.0

/// The page that a web server makes of a directory: only the names in its links are taken, and only plain ones.
struct ListingPage {
    /// Names of files, and of directories without their slash, in the order of the page, each once.
    let names: [String]

    init(_ html: String) {
        var names: [String] = []
        var rest = html[...]
        while let start = rest.range(of: "href=", caseInsensitive: true) {
            rest = rest[start...].dropFirst(5)
            guard let quote = rest.first, quote == "\"" || quote == "'" else { continue }
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: quote) else { break }
            var link = rest[..<end]
            rest = rest[end...].dropFirst()
            if link.hasPrefix("./") { link = link.dropFirst(2) }
            if link.hasSuffix("/") { link = link.dropLast() }
            // The whole path is what some servers put into their links.
            let name = String(link.split(separator: "/").last ?? "")
            guard Self.isPlain(name), !names.contains(name) else { continue }
            names.append(name)
        }
        self.names = names
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: Array("-._~+:@".utf8).contains(byte)
                }
            }
    }

    /// The names that begin and end in one way, the oldest version first.
    func names(from prefix: String, to suffix: String) -> [String] {
        names.filter {
            $0.utf8.count >= prefix.utf8.count + suffix.utf8.count && $0.hasPrefix(prefix) && $0.hasSuffix(suffix)
        }
        .sorted(by: VersionOrder.isOlder)
    }
}

extension Substring {
    /// Where `word` begins.
    fileprivate func range(of word: String, caseInsensitive: Bool) -> Index? {
        let wanted = Array(word.utf8)
        var index = startIndex
        while index < endIndex {
            if utf8[index...].prefix(wanted.count).map({ $0 | 0x20 }) == wanted.map({ $0 | 0x20 }) { return index }
            index = utf8.index(after: index)
        }
        return nil
    }
}

/// Which of two names has the older version in it: numbers count as numbers, everything else by its bytes.
enum VersionOrder {
    static func isOlder(_ left: String, _ right: String) -> Bool {
        var left = left.utf8[...], right = right.utf8[...]
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        while let first = left.first, let second = right.first {
            if isDigit(first), isDigit(second) {
                let one = left.prefix(while: isDigit), two = right.prefix(while: isDigit)
                left = left.dropFirst(one.count)
                right = right.dropFirst(two.count)
                let a = one.drop { $0 == 0x30 }, b = two.drop { $0 == 0x30 }
                if a.count != b.count { return a.count < b.count }
                if !a.elementsEqual(b) { return a.lexicographicallyPrecedes(b) }
            } else {
                if first != second { return first < second }
                left = left.dropFirst()
                right = right.dropFirst()
            }
        }
        return left.isEmpty && !right.isEmpty
    }
}
