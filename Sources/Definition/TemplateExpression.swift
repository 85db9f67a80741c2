// SPDX-License-Identifier: Apache-2.0

/// An expression between `{{` and `}}` or after `if`.
indirect enum TemplateExpression {
    case literal(TemplateValue)
    case path([String])
    case filtered(TemplateExpression, TemplateFilter)
    case equal(TemplateExpression, TemplateExpression)
    case not(TemplateExpression)
    case and(TemplateExpression, TemplateExpression)
    case or(TemplateExpression, TemplateExpression)

    /// Its value; names that do not exist are `none`.
    func value(in context: TemplateValue) throws(TemplateFault) -> TemplateValue {
        switch self {
        case .literal(let value): return value
        case .path(let names): return names.reduce(context) { $0.member($1) }
        case .filtered(let expression, let filter): return try filter.apply(to: expression.value(in: context), context)
        case .equal(let left, let right): return .bool(try left.value(in: context).equals(right.value(in: context)))
        case .not(let expression): return .bool(!(try expression.value(in: context).isTrue))
        case .and(let left, let right):
            guard try left.value(in: context).isTrue else { return .bool(false) }
            return .bool(try right.value(in: context).isTrue)
        case .or(let left, let right):
            if try left.value(in: context).isTrue { return .bool(true) }
            return .bool(try right.value(in: context).isTrue)
        }
    }
}

/// A filter after `|`.
struct TemplateFilter {
    /// The filters there are.
    enum Name: String, CaseIterable {
        case capfirst
        case `default`
        case lower
        case upper
    }

    let name: Name
    let argument: TemplateExpression?
    let offset: Int

    func apply(to value: TemplateValue, _ context: TemplateValue) throws(TemplateFault) -> TemplateValue {
        if name == .default, let argument { return value.isTrue ? value : try argument.value(in: context) }
        guard let text = value.printed else {
            throw TemplateFault("filter '\(name.rawValue)' needs a text", at: offset)
        }
        switch name {
        case .capfirst: return .text(text.prefix(1).uppercased() + text.dropFirst())
        case .lower: return .text(text.lowercased())
        case .upper: return .text(text.uppercased())
        case .default: return value
        }
    }
}
