// SPDX-License-Identifier: Apache-2.0

package import Model

/// A message of the cleartext signature framework (RFC 4880, section 7), read strictly: the whole of the bytes is one such
/// message, and the text that is handed out is the text that was signed. For lists of checksums of other people's; nothing
/// of ours is signed this way.
package struct CleartextMessage: Sendable {
    /// The text, lines ended by line feeds.
    package let text: String
    /// What the signature covers: lines without trailing blanks, joined by CR LF.
    let signed: [UInt8]
    /// The armored signature.
    let signature: [UInt8]

    private static let begin = "-----BEGIN PGP SIGNED MESSAGE-----"
    private static let middle = "-----BEGIN PGP SIGNATURE-----"
    private static let end = "-----END PGP SIGNATURE-----"

    /// Whether these are the first words of one.
    package static func looksLikeOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: begin.utf8) }

    /// Takes a message apart.
    ///
    /// - Throws: `SIGNATURE` for anything around it, a second message, and a line that is not escaped as it must be.
    package init(_ bytes: [UInt8], subject: String) throws(RootcellarError) {
        func fault(_ why: String) -> RootcellarError {
            RootcellarError(.signature, "not a signed text (\(why))", subject: subject)
        }
        guard let whole = String(validating: bytes, as: UTF8.self) else { throw fault("not UTF-8") }
        var lines = whole.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" })[...]
        guard lines.popFirst() == Self.begin[...] else { throw fault("it does not begin as one") }
        while let header = lines.popFirst(), !header.isEmpty {
            guard header.hasPrefix("Hash: ") else { throw fault("bad header") }
        }
        var content: [Substring] = []
        while let line = lines.first, line != Self.middle[...] {
            lines.removeFirst()
            if line.hasPrefix("- ") {
                content.append(line.dropFirst(2))
            } else if line.hasPrefix("-") {
                throw fault("an unescaped dash")
            } else {
                content.append(line)
            }
        }
        guard let last = lines.firstIndex(of: Self.end[...]) else { throw fault("it is cut") }
        guard lines[lines.index(after: last)...].allSatisfy(\.isEmpty) else { throw fault("text behind it") }
        signature = Array((lines[...last].joined(separator: "\n") + "\n").utf8)
        text = content.joined(separator: "\n") + "\n"
        let bare = content.map { line in
            var line = line
            while let last = line.utf8.last, last == 0x20 || last == 0x09 || last == 0x0D { line.removeLast() }
            return line
        }
        signed = Array(bare.joined(separator: "\r\n").utf8)
    }
}
