// SPDX-License-Identifier: Apache-2.0

/// An element of a small XML document, as object stores answer with: names, text and children, nothing else.
///
/// The reader is strict and knows only what such answers need. Document types, entities of one's own, processing instructions
/// behind the first line, comments and CDATA are refused: none of them is data, and all of them have been used to attack
/// readers. Attributes are read over.
package struct MarkupElement: Sendable, Equatable {
    package let name: String
    /// The text between the tags of an element without children; of others, nothing that is not blank is accepted.
    package private(set) var text: String
    package private(set) var children: [MarkupElement]

    package init(name: String, text: String = "", children: [MarkupElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// Reads a document.
    ///
    /// - Returns: nil if it is not one of the narrow kind that is read here.
    package init?(reading bytes: [UInt8]) {
        guard bytes.count <= Self.sizeLimit, String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = Reader(bytes: bytes)
        guard let root = reader.document() else { return nil }
        self = root
    }

    /// The text of the first child of this name.
    package subscript(name: String) -> String? { children.first { $0.name == name }?.text }

    /// The children of this name.
    package func all(_ name: String) -> [MarkupElement] { children.filter { $0.name == name } }

    /// The most bytes of a document: a page of a thousand names of a thousand bytes each, escaped three times as long.
    package static let sizeLimit = 8 << 20
    private static let depthLimit = 8

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func document() -> MarkupElement? {
            // A store that takes long sends blanks first, to keep the connection.
            skipBlanks()
            if take("<?xml ") {
                guard let end = find("?>"), end - at <= 100 else { return nil }
                at = end + 2
            }
            skipBlanks()
            guard let root = element(depth: 1) else { return nil }
            skipBlanks()
            return at == bytes.count ? root : nil
        }

        private mutating func element(depth: Int) -> MarkupElement? {
            guard depth <= MarkupElement.depthLimit, take("<"), let name = name(), skipAttributes() else { return nil }
            if take("/>") { return MarkupElement(name: name) }
            guard take(">") else { return nil }
            var element = MarkupElement(name: name)
            var text: [UInt8] = []
            while at < bytes.count {
                if take("</") {
                    guard self.name() == name else { return nil }
                    skipBlanks()
                    guard take(">"), let text = String(validating: text, as: UTF8.self) else { return nil }
                    if element.children.isEmpty {
                        element.text = text
                        return element
                    }
                    return text.utf8.allSatisfy(Self.isBlank) ? element : nil
                }
                if bytes[at] == 0x3C {
                    guard let child = self.element(depth: depth + 1) else { return nil }
                    element.children.append(child)
                } else {
                    guard let piece = character() else { return nil }
                    text += piece
                }
            }
            return nil
        }

        /// One byte of text, or what a reference stands for.
        private mutating func character() -> [UInt8]? {
            let byte = bytes[at]
            guard byte == 0x26 else {
                // XML 1.0, 2.2: of the control characters only tab, line feed and carriage return are text.
                guard byte >= 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D else { return nil }
                at += 1
                return [byte]
            }
            for (word, meaning) in [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'")]
            where take(word) { return Array(meaning.utf8) }
            let isHex = take("&#x")
            guard isHex || take("&#"), let end = find(";"), end > at, end - at <= 7 else { return nil }
            let digits = String(decoding: bytes[at..<end], as: UTF8.self)
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (isHex && Self.isLetter($0)) }),
                let number = UInt32(digits, radix: isHex ? 16 : 10), number >= 0x20 || [9, 10, 13].contains(number),
                let scalar = Unicode.Scalar(number)
            else { return nil }
            at = end + 1
            return Array(String(scalar).utf8)
        }

        private mutating func skipAttributes() -> Bool {
            while true {
                let before = at
                skipBlanks()
                guard at < bytes.count else { return false }
                if bytes[at] == 0x3E || bytes[at] == 0x2F { return true }
                guard at > before, name() != nil, take("=") else { return false }
                guard at < bytes.count, bytes[at] == 0x22 || bytes[at] == 0x27 else { return false }
                let quote = bytes[at]
                at += 1
                while at < bytes.count, bytes[at] != quote {
                    guard bytes[at] != 0x3C else { return false }
                    at += 1
                }
                guard at < bytes.count else { return false }
                at += 1
            }
        }

        private mutating func name() -> String? {
            let start = at
            while at < bytes.count, Self.isNamePart(bytes[at], first: at == start) { at += 1 }
            return at > start && at - start <= 64 ? String(decoding: bytes[start..<at], as: UTF8.self) : nil
        }

        private mutating func take(_ word: String) -> Bool {
            guard bytes[at...].starts(with: word.utf8) else { return false }
            at += word.utf8.count
            return true
        }

        private mutating func skipBlanks() { while at < bytes.count, Self.isBlank(bytes[at]) { at += 1 } }

        /// Where a word begins, not far from here.
        private func find(_ word: String) -> Int? {
            let end = min(bytes.count, at + 128)
            var position = at
            while position < end {
                if bytes[position...].starts(with: word.utf8) { return position }
                position += 1
            }
            return nil
        }

        private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

        private static func isLetter(_ byte: UInt8) -> Bool {
            (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }

        /// Letters, digits and `_`, `-`, `.`, `:`; the names of stores have no others.
        private static func isNamePart(_ byte: UInt8, first: Bool) -> Bool {
            if isLetter(byte) || byte == 0x5F { return true }
            return !first && ((0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E || byte == 0x3A)
        }
    }
}
