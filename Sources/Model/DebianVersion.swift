// SPDX-License-Identifier: Apache-2.0

/// A package version in Debian's order (Debian Policy, 5.6.12): `[epoch:]upstream[-revision]`.
///
/// Any text is taken, since the order is defined for any: packages of other distributions have versions as well, and for
/// almost all of them it is the order that they mean.
package struct DebianVersion: Sendable, Comparable, CustomStringConvertible {
    package let description: String
    private let epoch: Int
    private let upstream: ArraySlice<UInt8>
    private let revision: ArraySlice<UInt8>

    /// A version, or whatever stands for one.
    package init(_ text: String) {
        description = text
        var rest = Array(text.utf8)[...]
        var number = 0
        if let colon = rest.firstIndex(of: 0x3A), let value = decimalNumber(rest[..<colon]) {
            number = value
            rest = rest[(colon + 1)...]
        }
        epoch = number
        // The last hyphen: an upstream version may have hyphens itself.
        if let hyphen = rest.lastIndex(of: 0x2D) {
            upstream = rest[..<hyphen]
            revision = rest[(hyphen + 1)...]
        } else {
            upstream = rest
            revision = []
        }
    }

    package static func == (left: DebianVersion, right: DebianVersion) -> Bool { left.order(right) == 0 }

    package static func < (left: DebianVersion, right: DebianVersion) -> Bool { left.order(right) < 0 }

    private func order(_ other: DebianVersion) -> Int {
        if epoch != other.epoch { return epoch < other.epoch ? -1 : 1 }
        let first = Self.order(upstream, other.upstream)
        return first != 0 ? first : Self.order(revision, other.revision)
    }

    /// Parts without digits and parts of digits in turn: the former letter by letter, the latter as numbers.
    private static func order(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        var (left, right) = (left, right)
        while !left.isEmpty || !right.isEmpty {
            while left.first.map({ !isDigit($0) }) ?? false || right.first.map({ !isDigit($0) }) ?? false {
                let (one, other) = (weight(left.first), weight(right.first))
                if one != other { return one < other ? -1 : 1 }
                (left, right) = (left.dropFirst(), right.dropFirst())
            }
            let (one, other) = (left.prefix(while: isDigit), right.prefix(while: isDigit))
            (left, right) = (left.dropFirst(one.count), right.dropFirst(other.count))
            // Without leading zeros a longer number is a bigger one, whatever its length.
            let (number, another) = (one.drop { $0 == 0x30 }, other.drop { $0 == 0x30 })
            if number.count != another.count { return number.count < another.count ? -1 : 1 }
            if number != another { return number.lexicographicallyPrecedes(another) ? -1 : 1 }
        }
        return 0
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// A tilde comes before the end of a part, the end (and a digit) before letters, letters before everything else.
    private static func weight(_ byte: UInt8?) -> Int {
        guard let byte, !isDigit(byte) else { return 0 }
        if byte == 0x7E { return -1 }
        let isLetter = (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        return isLetter ? Int(byte) : Int(byte) + 256
    }
}
