// SPDX-License-Identifier: Apache-2.0

/// Finds texts that could be an alias bomb before they are parsed.
///
/// The parser hashes keys by value, so a key made of aliases of aliases costs time without bound. Aliases are refused in
/// any case once the tree is known; here it is enough to see that there are many of them. A word counts as an alias only
/// if an anchor of the same name is in the text, which shell scripts do not have.
enum AliasScan {
    /// With so few aliases a tree cannot grow beyond some thousand nodes.
    private static let harmless = 12

    /// The place of the first alias, if there are too many.
    static func firstOfTooMany(_ text: String) -> (line: Int, column: Int)? {
        var anchors: Set<[UInt8]> = []
        var aliases: [(name: [UInt8], line: Int, column: Int)] = []
        var line = 1
        var column = 0
        var previous = UInt8(ascii: "\n")
        var pending: (mark: UInt8, name: [UInt8], column: Int)?
        func finish() {
            guard let word = pending, !word.name.isEmpty else { return }
            if word.mark == UInt8(ascii: "&") {
                anchors.insert(word.name)
            } else {
                aliases.append((word.name, line, word.column))
            }
        }
        for byte in text.utf8 {
            column += 1
            if pending != nil, isNameByte(byte) {
                pending?.name.append(byte)
            } else {
                finish()
                let opens = (byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")) && canPrecede(previous)
                pending = opens ? (byte, [], column) : nil
            }
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 0
            }
            previous = byte
        }
        finish()
        let real = aliases.filter { anchors.contains($0.name) }
        guard real.count > harmless, let first = real.first else { return nil }
        return (first.line, first.column)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func canPrecede(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x0A, 0x0D, 0x20, UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"): true
        default: byte >= 0x80
        }
    }
}
