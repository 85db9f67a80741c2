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
        Array("-----BEGIN PGP SIGNED MESSAGE-----\nHash: \($0)\n\n".utf8)
    }
    private static let end = Array("\n-----BEGIN PGP SIGNATURE-----\n".utf8)

    /// - Throws: `SIGNATURE` for anything that is not exactly of this form.
    package init(reading bytes: [UInt8], subject: String) throws(RootcellarError) {
        func fault(_ why: String) -> RootcellarError {
            RootcellarError(.signature, "not a signed text (\(why))", subject: subject)
        }
        guard let head = Self.heads.first(where: bytes.starts(with:)) else { throw fault("it does not begin as one") }
        // The signature is short and at the end.
        let tail = max(head.count, bytes.count - SignaturePackets.sizeLimit)
        guard
            let start = (tail...max(tail, bytes.count - Self.end.count)).last(where: {
                bytes[$0] == 0x0A && bytes[$0...].starts(with: Self.end)
            })
        else { throw fault("there is no signature at its end") }
        text = Array(bytes[head.count...start])
        signature = Array(bytes[(start + 1)...])
        if let why = Self.unfit(text) { throw fault(why) }
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
