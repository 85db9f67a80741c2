// SPDX-License-Identifier: Apache-2.0

/// Parses an expression: names, texts, numbers, filters, `== != and or not` and parentheses.
struct ExpressionParser {
    private enum Token: Equatable {
        case word(String)
        case text(String)
        case symbol(String)
    }

    private static let maximumDepth = 32

    private var tokens: [(token: Token, offset: Int)] = []
    private var index = 0
    private let end: Int

    /// Reads the words of `body`.
    init(_ body: ArraySlice<Unicode.Scalar>) throws(TemplateFault) {
        end = body.endIndex
        var position = body.startIndex
        while position < body.endIndex {
            let start = position
            let scalar = body[position]
            if scalar.properties.isWhitespace {
                position += 1
            } else if scalar == "\"" || scalar == "'" {
                tokens.append((.text(try Self.quoted(body, &position)), start))
            } else if Self.isWord(scalar) {
                while position < body.endIndex, Self.isWord(body[position]) { position += 1 }
                tokens.append((.word(String(String.UnicodeScalarView(body[start..<position]))), start))
            } else {
                let pair = String(String.UnicodeScalarView(body[start..<min(start + 2, body.endIndex)]))
                let symbol = ["==", "!=", "&&", "||", "<=", ">="].contains(pair) ? pair : String(Character(scalar))
                position += symbol.unicodeScalars.count
                tokens.append((.symbol(symbol), start))
            }
        }
    }

    /// The expression, which must be all there is.
    mutating func whole() throws(TemplateFault) -> TemplateExpression {
        let result = try disjunction(depth: 0)
        if index < tokens.count { throw TemplateFault("'\(shown)' is not supported here", at: tokens[index].offset) }
        return result
    }

    /// What stands between `for` and `in`, the `in` included.
    mutating func loopNames() throws(TemplateFault) -> [String] {
        var names: [String] = []
        repeat {
            let place = offset
            guard case .word(let name) = next(), name != "in", UInt64(name) == nil else {
                throw TemplateFault("'for' needs a name", at: place, hint: "as in 'for item in list'")
            }
            names.append(name)
        } while names.count < 2 && take(.symbol(","))
        guard take(.word("in")) else { throw TemplateFault("'in' is missing", at: offset) }
        return names
    }

    private mutating func disjunction(depth: Int) throws(TemplateFault) -> TemplateExpression {
        guard depth <= Self.maximumDepth else { throw TemplateFault("nested too deeply", at: offset) }
        var left = try conjunction(depth: depth)
        while take(.word("or")) || take(.symbol("||")) { left = .or(left, try conjunction(depth: depth)) }
        return left
    }

    private mutating func conjunction(depth: Int) throws(TemplateFault) -> TemplateExpression {
        var left = try negation(depth: depth)
        while take(.word("and")) || take(.symbol("&&")) { left = .and(left, try negation(depth: depth)) }
        return left
    }

    private mutating func negation(depth: Int) throws(TemplateFault) -> TemplateExpression {
        guard depth <= Self.maximumDepth else { throw TemplateFault("nested too deeply", at: offset) }
        if take(.word("not")) || take(.symbol("!")) { return .not(try negation(depth: depth + 1)) }
        let left = try filtered(depth: depth)
        if take(.symbol("==")) { return .equal(left, try filtered(depth: depth)) }
        if take(.symbol("!=")) { return .not(.equal(left, try filtered(depth: depth))) }
        if take(.word("in")) { return .contained(left, try filtered(depth: depth)) }
        if index + 1 < tokens.count, tokens[index].token == .word("not"), tokens[index + 1].token == .word("in") {
            index += 2
            return .not(.contained(left, try filtered(depth: depth)))
        }
        return left
    }

    private mutating func filtered(depth: Int) throws(TemplateFault) -> TemplateExpression {
        var result = try primary(depth: depth)
        while take(.symbol("|")) {
            let place = offset
            guard case .word(let word) = next() else { throw TemplateFault("a filter's name is missing", at: place) }
            guard let name = TemplateFilter.Name(rawValue: word) else {
                let known = TemplateFilter.Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw TemplateFault(
                    "filter '\(word)' is not supported",
                    at: place,
                    hint: "templates of definitions know \(known)"
                )
            }
            var argument: TemplateExpression?
            if take(.symbol(":")) { argument = try primary(depth: depth) }
            guard (argument != nil) == name.takesValue else {
                throw TemplateFault(
                    name.takesValue ? "filter '\(word)' needs a value" : "filter '\(word)' takes no value",
                    at: place
                )
            }
            result = .filtered(result, TemplateFilter(name: name, argument: argument, offset: place))
        }
        return result
    }

    private mutating func primary(depth: Int) throws(TemplateFault) -> TemplateExpression {
        let place = offset
        switch next() {
        case .text(let text): return .literal(.text(text))
        case .symbol("("):
            let inner = try disjunction(depth: depth + 1)
            guard take(.symbol(")")) else { throw TemplateFault("')' is missing", at: offset) }
            return inner
        case .word(let word) where !["and", "or", "not", "in"].contains(word):
            if let number = UInt64(word) {
                if index < tokens.count, tokens[index].token == .symbol(".") {
                    throw TemplateFault("fractions are not supported", at: place, hint: "write a text in quotes")
                }
                return .literal(.number(number))
            }
            if word == "true" || word == "True" { return .literal(.bool(true)) }
            if word == "false" || word == "False" { return .literal(.bool(false)) }
            var names = [word]
            while take(.symbol(".")) {
                let place = offset
                guard case .word(let name) = next() else {
                    throw TemplateFault("a name is missing after '.'", at: place)
                }
                names.append(name)
            }
            if index < tokens.count, tokens[index].token == .symbol("(") {
                throw TemplateFault(
                    "calls such as '\(names.joined(separator: "."))(...)' are not supported",
                    at: place,
                    hint: "is this meant for the container's start, and not for the build?"
                )
            }
            return .path(names)
        case .word(let word): throw TemplateFault("'\(word)' is not a value", at: place)
        case .symbol(let symbol): throw TemplateFault("'\(symbol)' is not a value", at: place)
        case nil: throw TemplateFault("a value is missing", at: place)
        }
    }

    private var offset: Int { index < tokens.count ? tokens[index].offset : end }

    private var shown: String {
        switch tokens[index].token {
        case .word(let text), .text(let text), .symbol(let text): text
        }
    }

    private mutating func next() -> Token? {
        guard index < tokens.count else { return nil }
        defer { index += 1 }
        return tokens[index].token
    }

    private mutating func take(_ token: Token) -> Bool {
        guard index < tokens.count, tokens[index].token == token else { return false }
        index += 1
        return true
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || (scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)))
    }

    private static func quoted(
        _ body: ArraySlice<Unicode.Scalar>,
        _ position: inout Int
    ) throws(TemplateFault) -> String {
        let start = position
        let quote = body[start]
        var text = String.UnicodeScalarView()
        position += 1
        while position < body.endIndex {
            var scalar = body[position]
            position += 1
            if scalar == quote { return String(text) }
            if scalar == "\\", position < body.endIndex {
                scalar = body[position] == "n" ? "\n" : body[position] == "t" ? "\t" : body[position]
                position += 1
            }
            text.append(scalar)
        }
        throw TemplateFault("a text is never closed", at: start)
    }
}
