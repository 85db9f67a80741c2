// SPDX-License-Identifier: Apache-2.0

/// A filter after `|`: those of pongo2 that have a use in definitions.
struct TemplateFilter {
    /// The filters there are.
    enum Name: String, CaseIterable {
        case add, capfirst, cut, `default`
        case defaultIfNone = "default_if_none"
        case escape, first, join, last, length, lower, safe, slice, split, title, upper

        /// Whether a value stands behind a colon.
        var takesValue: Bool {
            switch self {
            case .add, .cut, .default, .defaultIfNone, .join, .slice, .split: true
            case .capfirst, .escape, .first, .last, .length, .lower, .safe, .title, .upper: false
            }
        }
    }

    let name: Name
    let argument: TemplateExpression?
    let offset: Int

    func apply(to value: TemplateValue, _ context: TemplateValue) throws(TemplateFault) -> TemplateValue {
        let argument = try self.argument?.value(in: context) ?? .none
        switch name {
        case .default: return value.isTrue ? value : argument
        case .defaultIfNone: return value == .none ? argument : value
        case .safe: return value
        case .first, .last, .length, .slice: return try part(of: value, argument)
        case .join:
            guard case .list(let items) = value else { return .text(try text(value)) }
            var words: [String] = []
            for item in items { words.append(try text(item)) }
            return .text(words.joined(separator: try text(argument)))
        case .split:
            let separator = try text(argument)
            guard !separator.isEmpty else { throw fault("needs something to split at") }
            return .list(
                try text(value).split(separator: separator, omittingEmptySubsequences: false)
                    .map { .text(String($0)) }
            )
        case .add:
            if case .number(let left) = value, case .number(let right) = argument {
                let (sum, overflow) = left.addingReportingOverflow(right)
                guard !overflow else { throw fault("has no number for the sum") }
                return .number(sum)
            }
            return .text(try text(value) + text(argument))
        case .cut: return .text(try text(value).replacing(try text(argument), with: ""))
        case .capfirst, .escape, .lower, .title, .upper: return .text(try changed(try text(value)))
        }
    }

    private func changed(_ text: String) throws(TemplateFault) -> String {
        switch name {
        case .capfirst: return text.prefix(1).uppercased() + text.dropFirst()
        case .lower: return text.lowercased()
        case .upper: return text.uppercased()
        case .title:
            var isInWord = false
            return String(
                text.lowercased().map { character in
                    defer { isInWord = !character.isWhitespace }
                    return isInWord ? String(character) : character.uppercased()
                }.joined()
            )
        default:
            // As HTML, where somebody writes a page; nothing is escaped without being asked.
            let names: [Character: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;"]
            return text.map { names[$0] ?? String($0) }.joined()
        }
    }

    /// Of a text its characters count, of a list its items.
    private func part(of value: TemplateValue, _ argument: TemplateValue) throws(TemplateFault) -> TemplateValue {
        if case .list(let items) = value {
            switch name {
            case .first: return items.first ?? .none
            case .last: return items.last ?? .none
            case .slice: return .list(Array(items[try range(argument, items.count)]))
            default: return .number(UInt64(items.count))
            }
        }
        if name == .length, case .map(let items) = value { return .number(UInt64(items.count)) }
        let characters = Array(try text(value))
        switch name {
        case .first: return .text(String(characters.prefix(1)))
        case .last: return .text(String(characters.suffix(1)))
        case .slice: return .text(String(characters[try range(argument, characters.count)]))
        default: return .number(UInt64(characters.count))
        }
    }

    /// `from:to`, either of which may be left out; behind the end is the end.
    private func range(_ argument: TemplateValue, _ count: Int) throws(TemplateFault) -> Range<Int> {
        let parts = try text(argument).split(separator: ":", omittingEmptySubsequences: false)
        let bounds = parts.map { $0.isEmpty ? nil : Int($0) }
        guard parts.count == 2, zip(parts, bounds).allSatisfy({ $0.isEmpty || ($1 ?? -1) >= 0 }) else {
            throw fault("needs a value like '0:2'")
        }
        let end = min(bounds[1] ?? count, count)
        return min(bounds[0] ?? 0, end)..<end
    }

    private func text(_ value: TemplateValue) throws(TemplateFault) -> String {
        guard let text = value.printed else { throw fault("needs a text") }
        return text
    }

    private func fault(_ what: String) -> TemplateFault {
        TemplateFault("filter '\(name.rawValue)' \(what)", at: offset)
    }
}
