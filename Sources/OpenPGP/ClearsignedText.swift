// SPDX-License-Identifier: Apache-2.0

package import Model

/// A text with its signature around it, as GnuPG's `--clearsign` makes it (RFC 4880, section 7).
///
/// None of our own documents has this form: what such a signature covers is not quite what stands there. It is made and
/// checked for tools that mirror simplestreams and know nothing else, and is read as strictly as the strictest of them
/// writes: one header, no line that had to be escaped, nothing before and nothing after.
package struct ClearsignedText {
    /// The signed text, each line ended by a line feed.
    package let text: [UInt8]
    /// The armored signature.
    package let signature: [UInt8]

    /// The longest line that GnuPG takes (armor.c: MAX_LINELEN), with some room.
    static let lineLimit = 16_000
    /// Which hash it is, is the choice of whoever's GnuPG home the key is in; all have the same length.
    private static let heads = ["SHA512", "SHA384", "SHA256"].map {
        Array("\(CleartextMessage.begin)\nHash: \($0)\n\n".utf8)
    }

    /// - Throws: `SIGNATURE` for anything that is not exactly of this form.
    package init(reading bytes: [UInt8], subject: String) throws(RootcellarError) {
        let message = try CleartextMessage(bytes, subject: subject)
        // What that form leaves open is not open here: then the parts are the whole, to the byte.
        guard Self.heads.contains(where: { bytes.elementsEqual($0 + message.content + message.signature) }) else {
            throw RootcellarError(.signature, "not a signed text (it is not as gpg makes one)", subject: subject)
        }
        text = message.content
        signature = message.signature
        if let why = Self.unfit(text) {
            throw RootcellarError(.signature, "not a signed text (\(why))", subject: subject)
        }
    }

    /// Why a text cannot be signed in this way without being changed; nil if it can.
    static func unfit(_ text: [UInt8]) -> String? {
        guard text.last == 0x0A else { return "the last line has no end" }
        var length = 0
        var previous: UInt8 = 0x0A
        for byte in text {
            if byte == 0x0A {
                if length > lineLimit { return "a line has more than \(lineLimit) bytes" }
                if previous == 0x20 { return "blanks at the end of a line" }
                length = 0
            } else {
                guard (0x20...0x7E).contains(byte) else { return "a byte that is not printable ASCII" }
                if byte == 0x2D, length == 0 { return "a line begins with '-'" }
                length += 1
            }
            previous = byte
        }
        return nil
    }
}
