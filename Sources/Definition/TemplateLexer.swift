// SPDX-License-Identifier: Apache-2.0

/// Cuts a template into text, outputs and tags.
struct TemplateLexer {
    /// A piece of a template.
    enum Segment {
        case text(String)
        /// What is between `{{` and `}}`, and where.
        case output(ArraySlice<Unicode.Scalar>)
        /// What is between `{%` and `%}`, and where.
        case tag(ArraySlice<Unicode.Scalar>)
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var trimsNext = false

    init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

    /// All pieces in order. A `-` inside a delimiter takes away the white space on its side.
    static func segments(_ scalars: [Unicode.Scalar]) throws(TemplateFault) -> [Segment] {
        var lexer = TemplateLexer(scalars)
        var result: [Segment] = []
        while lexer.position < scalars.count { try lexer.next(&result) }
        return result
    }

    private mutating func next(_ result: inout [Segment]) throws(TemplateFault) {
        let start = position
        while position < scalars.count, opener(at: position) == nil { position += 1 }
        let kind = position < scalars.count ? opener(at: position) : nil
        var text = scalars[start..<position]
        if trimsNext { text = text.drop { $0.properties.isWhitespace } }
        trimsNext = false
        let inside = position + 2
        if kind == "{" || kind == "%", inside < scalars.count, scalars[inside] == "-" {
            while let last = text.last, last.properties.isWhitespace { text.removeLast() }
        }
        if !text.isEmpty { result.append(.text(String(String.UnicodeScalarView(text)))) }
        guard let kind else { return }
        let end = try end(of: kind, from: inside)
        position = end + 2
        if kind == "#" { return }
        var body = scalars[inside..<end]
        if body.first == "-" { body = body.dropFirst() }
        if body.last == "-" {
            body = body.dropLast()
            trimsNext = true
        }
        result.append(kind == "{" ? .output(body) : .tag(body))
    }

    /// The second character of the delimiter that begins at `index`, if one does.
    private func opener(at index: Int) -> Unicode.Scalar? {
        guard scalars[index] == "{", index + 1 < scalars.count else { return nil }
        let second = scalars[index + 1]
        return second == "{" || second == "%" || second == "#" ? second : nil
    }

    /// Where the closing delimiter begins; text in quotes does not count.
    private func end(of kind: Unicode.Scalar, from start: Int) throws(TemplateFault) -> Int {
        let closer: Unicode.Scalar = kind == "{" ? "}" : kind
        var quote: Unicode.Scalar?
        var index = start
        while index + 1 < scalars.count {
            let scalar = scalars[index]
            if let open = quote {
                if scalar == "\\" { index += 1 } else if scalar == open { quote = nil }
            } else if kind != "#", scalar == "\"" || scalar == "'" {
                quote = scalar
            } else if scalar == closer, scalars[index + 1] == "}" {
                return index
            }
            index += 1
        }
        throw TemplateFault("'{\(kind)' is never closed", at: start - 2)
    }
}
