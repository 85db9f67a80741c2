// SPDX-License-Identifier: Apache-2.0

package import Model

/// A message of the cleartext signature framework (RFC 4880, section 7), read strictly: the whole of the bytes is one such
/// message, and the text that is handed out is the text that was signed. None of our own documents has this form; lists of
/// checksums of other people's have, and the catalogue for tools that know nothing else (`ClearsignedText`).
package struct CleartextMessage: Sendable {
    /// The text, lines ended by line feeds.
    let content: [UInt8]
    /// What the signature covers: lines without trailing blanks, joined by CR LF.
    let signed: [UInt8]
    /// The armored signature.
    let signature: [UInt8]

    /// The text for people and parsers.
    package var text: String { String(decoding: content, as: UTF8.self) }

    static let begin = "-----BEGIN PGP SIGNED MESSAGE-----"
    private static let middle = Array("-----BEGIN PGP SIGNATURE-----".utf8)
    private static let end = Array("-----END PGP SIGNATURE-----".utf8)
    private static let hash = Array("Hash: ".utf8)
    private static let dash = UInt8(ascii: "-")

    /// Whether these are the first words of one.
    package static func looksLikeOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: begin.utf8) }

    /// Takes a message apart.
    ///
    /// - Throws: `SIGNATURE` for anything around it, a second message, and a line that is not escaped as it must be.
    package init(_ bytes: [UInt8], subject: String) throws(RootcellarError) {
        func fault(_ why: String) -> RootcellarError {
            RootcellarError(.signature, "not a signed text (\(why))", subject: subject)
        }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw fault("not UTF-8") }
        var lines = Lines(rest: bytes[...])
        guard lines.next()?.elementsEqual(Self.begin.utf8) == true else { throw fault("it does not begin as one") }
        while let header = lines.next(), !header.isEmpty {
            guard header.starts(with: Self.hash) else { throw fault("bad header") }
        }
        var (content, signed): ([UInt8], [UInt8]) = ([], [])
        var isFirst = true
        var isEnded = false
        while let line = lines.next() {
            if line.elementsEqual(Self.middle) {
                isEnded = true
                break
            }
            var line = line
            if line.first == Self.dash {
                guard line.starts(with: [Self.dash, 0x20]) else { throw fault("an unescaped dash") }
                line = line.dropFirst(2)
            }
            content += line
            content.append(0x0A)
            if !isFirst { signed += [0x0D, 0x0A] }
            isFirst = false
            while let last = line.last, last == 0x20 || last == 0x09 || last == 0x0D { line.removeLast() }
            signed += line
        }
        var signature = Self.middle + [0x0A]
        var isWhole = false
        while isEnded, !isWhole, let line = lines.next() {
            signature += line
            signature.append(0x0A)
            isWhole = line.elementsEqual(Self.end)
        }
        guard isWhole else { throw fault("it is cut") }
        while let line = lines.next() {
            guard line.isEmpty else { throw fault("text behind it") }
        }
        self.content = content.isEmpty ? [0x0A] : content
        self.signed = signed
        self.signature = signature
    }

    /// Lines that are ended by a line feed, or a carriage return and one.
    private struct Lines {
        var rest: ArraySlice<UInt8>?

        mutating func next() -> ArraySlice<UInt8>? {
            guard let bytes = rest else { return nil }
            let end = bytes.firstIndex(of: 0x0A)
            rest = end.map { bytes[($0 + 1)...] }
            var line = bytes[..<(end ?? bytes.endIndex)]
            if end != nil, line.last == 0x0D { line.removeLast() }
            return line
        }
    }
}
