// SPDX-License-Identifier: Apache-2.0

/// An expression between `{{` and `}}` or after `if`.
indirect enum TemplateExpression {
    case literal(TemplateValue)
    case path([String])
    case filtered(TemplateExpression, TemplateFilter)
    case equal(TemplateExpression, TemplateExpression)
    /// Whether the first is an item, a key or a part of the second.
    case contained(TemplateExpression, TemplateExpression)
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
        case .contained(let item, let all): return .bool(try all.value(in: context).contains(item.value(in: context)))
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
