// SPDX-License-Identifier: Apache-2.0

/// Parses templates.
struct TemplateParser {
    private let segments: [TemplateLexer.Segment]
    private var index = 0

    /// Tags that end a part of another.
    private static let openings = ["elif": "if", "else": "if", "endif": "if", "empty": "for", "endfor": "for"]
    /// How deep tags may be nested.
    private static let maximumDepth = 32

    /// The pieces of a template.
    static func parse(_ scalars: [Unicode.Scalar]) throws(TemplateFault) -> [TemplateNode] {
        var parser = TemplateParser(segments: try TemplateLexer.segments(scalars))
        return try parser.nodes(depth: 0)
    }

    private init(segments: [TemplateLexer.Segment]) { self.segments = segments }

    /// Pieces up to the tag that ends a branch, which stays, or to the end.
    private mutating func nodes(depth: Int) throws(TemplateFault) -> [TemplateNode] {
        var result: [TemplateNode] = []
        while index < segments.count {
            switch segments[index] {
            case .text(let text):
                result.append(.text(text))
            case .output(let body):
                var parser = try ExpressionParser(body)
                result.append(.output(try parser.whole(), offset: body.startIndex))
            case .tag(let body):
                let word = keyword(body)
                if let opening = Self.openings[word] {
                    guard depth > 0 else { throw TemplateFault("'\(word)' without '\(opening)'", at: body.startIndex) }
                    return result
                }
                switch word {
                case "if": result.append(try conditional(depth: depth + 1))
                case "for": result.append(try loop(depth: depth + 1))
                default:
                    throw TemplateFault(
                        "tag '\(word)' is not supported",
                        at: body.startIndex,
                        hint: "templates of definitions know if, elif, else, endif, for, empty and endfor"
                    )
                }
            }
            index += 1
        }
        return result
    }

    private mutating func conditional(depth: Int) throws(TemplateFault) -> TemplateNode {
        var branches: [(condition: TemplateExpression?, body: [TemplateNode])] = []
        var seenElse = false
        guard case .tag(let opening) = segments[index] else { return .text("") }
        guard depth <= Self.maximumDepth else { throw TemplateFault("nested too deeply", at: opening.startIndex) }
        while index < segments.count, case .tag(let body) = segments[index] {
            let word = keyword(body)
            if Self.openings[word] == "for" {
                throw TemplateFault("'\(word)' where 'endif' is due", at: body.startIndex)
            }
            if word == "endif" || word == "else" { try endsHere(word, body) }
            if word == "endif" { return .conditional(branches) }
            guard !seenElse else { throw TemplateFault("'\(word)' after 'else'", at: body.startIndex) }
            var condition: TemplateExpression?
            if word == "else" {
                seenElse = true
            } else {
                var parser = try ExpressionParser(afterKeyword(body))
                condition = try parser.whole()
            }
            index += 1
            branches.append((condition, try nodes(depth: depth)))
        }
        throw TemplateFault("'if' without 'endif'", at: opening.startIndex)
    }

    private mutating func loop(depth: Int) throws(TemplateFault) -> TemplateNode {
        guard case .tag(let opening) = segments[index] else { return .text("") }
        guard depth <= Self.maximumDepth else { throw TemplateFault("nested too deeply", at: opening.startIndex) }
        var parser = try ExpressionParser(afterKeyword(opening))
        let names = try parser.loopNames()
        var loop = TemplateLoop(
            names: names,
            items: try parser.whole(),
            body: [],
            otherwise: [],
            offset: opening.startIndex
        )
        var seenEmpty = false
        index += 1
        while true {
            let body = try nodes(depth: depth)
            if seenEmpty { loop.otherwise = body } else { loop.body = body }
            guard index < segments.count, case .tag(let tag) = segments[index] else {
                throw TemplateFault("'for' without 'endfor'", at: opening.startIndex)
            }
            let word = keyword(tag)
            guard word == "endfor" || (word == "empty" && !seenEmpty) else {
                throw TemplateFault("'\(word)' where 'endfor' is due", at: tag.startIndex)
            }
            try endsHere(word, tag)
            if word == "endfor" { return .loop(loop) }
            seenEmpty = true
            index += 1
        }
    }

    private func endsHere(_ word: String, _ body: ArraySlice<Unicode.Scalar>) throws(TemplateFault) {
        guard afterKeyword(body).allSatisfy({ $0.properties.isWhitespace }) else {
            throw TemplateFault("'\(word)' takes nothing after it", at: body.startIndex)
        }
    }

    private func keyword(_ body: ArraySlice<Unicode.Scalar>) -> String {
        let word = body.drop { $0.properties.isWhitespace }.prefix { !$0.properties.isWhitespace && $0 != "(" }
        return String(String.UnicodeScalarView(word))
    }

    private func afterKeyword(_ body: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        body.drop { $0.properties.isWhitespace }.drop { !$0.properties.isWhitespace && $0 != "(" }
    }
}
