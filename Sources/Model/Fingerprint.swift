// SPDX-License-Identifier: Apache-2.0

/// The full fingerprint of an OpenPGP primary key: 40 (version 4) or 64 (versions 5 and 6) hex digits.
///
/// Key ids are no fingerprints: they collide, so nothing here reads them.
package struct Fingerprint: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Upper-case hex digits, as gpg prints them.
    package let hex: String

    /// Reads 40 or 64 hex digits of any case; blanks and a leading `0x`, as people copy them, are taken away.
    ///
    /// - Throws: `POLICY` for anything else, key ids included.
    package init(_ text: String) throws(RootcellarError) {
        var digits = String(text.unicodeScalars.filter { $0 != " " }).uppercased()
        if digits.hasPrefix("0X") { digits.removeFirst(2) }
        guard digits.utf8.count == 40 || digits.utf8.count == 64, bytesFromHex(digits, upperCase: true) != nil else {
            throw RootcellarError(
                .policy,
                "not a full fingerprint",
                subject: "'\(text)'",
                hint: "give all 40 or 64 hex digits; short key ids can be forged"
            )
        }
        hex = digits
    }

    package var description: String { hex }

    package static func < (left: Fingerprint, right: Fingerprint) -> Bool { left.hex < right.hex }
}

extension Fingerprint: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
