// SPDX-License-Identifier: Apache-2.0

/// Makes text from outside safe to print on a terminal or into a log line.
///
/// Control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls and zero-width characters
/// become `\u{…}`; everything else stays. What is longer than `limit` characters is cut and ends in `…`.
package func printable(_ text: String, limit: Int = 2048) -> String {
    var result = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit {
            result.append("…")
            break
        }
        count += 1
        if isUnprintable(scalar) {
            result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
        } else {
            result.append(scalar)
        }
    }
    return String(result)
}

/// Whether a scalar could move the cursor, reorder the line or hide in it.
package func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F: true  // C0, DEL, C1
    case 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true  // zero width, separators, bidi
    case 0xE0000...0xE007F: true  // tags
    default: false
    }
}
