// SPDX-License-Identifier: Apache-2.0

/// Parses templates.
struct TemplateParser {
    private let segments: [TemplateLexer.Segment]
    private var index = 0

    /// How deep conditions may be nested.
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
                if ["elif", "else", "endif"].contains(word) {
                    guard depth > 0 else { throw TemplateFault("'\(word)' without 'if'", at: body.startIndex) }
                    return result
                }
                guard word == "if" else {
                    throw TemplateFault(
                        "tag '\(word)' is not supported",
                        at: body.startIndex,
                        hint: "templates of definitions know if, elif, else and endif"
                    )
                }
                result.append(try conditional(depth: depth + 1))
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
            if word == "endif" || word == "else" {
                guard afterKeyword(body).allSatisfy({ $0.properties.isWhitespace }) else {
                    throw TemplateFault("'\(word)' takes nothing after it", at: body.startIndex)
                }
            }
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

    private func keyword(_ body: ArraySlice<Unicode.Scalar>) -> String {
        let word = body.drop { $0.properties.isWhitespace }.prefix { !$0.properties.isWhitespace && $0 != "(" }
        return String(String.UnicodeScalarView(word))
    }

    private func afterKeyword(_ body: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
        body.drop { $0.properties.isWhitespace }.drop { !$0.properties.isWhitespace && $0 != "(" }
    }
}
