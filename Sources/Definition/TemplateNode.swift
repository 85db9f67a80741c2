// SPDX-License-Identifier: Apache-2.0

/// A piece of a parsed template.
indirect enum TemplateNode {
    case text(String)
    case output(TemplateExpression, offset: Int)
    /// Branches in order; one without a condition is `else`.
    case conditional([(condition: TemplateExpression?, body: [TemplateNode])])
    case loop(TemplateLoop)
}

/// What stands between `for` and `endfor`.
struct TemplateLoop {
    /// One name for items or keys, or two for keys and values.
    var names: [String]
    var items: TemplateExpression
    var body: [TemplateNode]
    /// What `empty` prints where there is no item.
    var otherwise: [TemplateNode]
    var offset: Int

    /// The values of the names for each turn. Sections are in the order of their keys.
    func turns(in context: TemplateValue) throws(TemplateFault) -> [[TemplateValue]] {
        switch try items.value(in: context) {
        case .list(let items) where names.count == 1: return items.map { [$0] }
        case .map(let items):
            return items.sorted { $0.key < $1.key }.map { [.text($0.key), $0.value] }
        case .none: return []
        case .text(let text) where names.count == 1: return text.map { [.text(String($0))] }
        case .text, .bool, .number, .list:
            throw TemplateFault("'for' needs a list, or a section for two names", at: offset)
        }
    }
}

/// What a template has printed so far, and how much more it may do.
struct TemplateOutput {
    private(set) var text = ""
    private let limit: Int
    private var steps = 0
    /// Pieces that one template may go through: loops in loops must end.
    private static let maximumSteps = 100_000

    /// - Parameter limit: UTF-8 bytes of the text.
    init(limit: Int) { self.limit = limit }

    mutating func append(_ more: String, at offset: Int) throws(TemplateFault) {
        text += more
        guard text.utf8.count <= limit else {
            throw TemplateFault("the text grows beyond \(limit) bytes", at: offset)
        }
    }

    mutating func step(at offset: Int) throws(TemplateFault) {
        steps += 1
        guard steps <= Self.maximumSteps else { throw TemplateFault("the loops go on for too long", at: offset) }
    }
}

extension [TemplateNode] {
    /// Appends what the pieces print.
    func render(into output: inout TemplateOutput, _ context: TemplateValue) throws(TemplateFault) {
        for node in self {
            switch node {
            case .text(let text):
                try output.append(text, at: 0)
            case .output(let expression, let offset):
                guard let text = try expression.value(in: context).printed else {
                    throw TemplateFault("this is a list or a section, not a text", at: offset)
                }
                try output.append(text, at: offset)
            case .conditional(let branches):
                for branch in branches {
                    if let condition = branch.condition, !(try condition.value(in: context).isTrue) { continue }
                    try branch.body.render(into: &output, context)
                    break
                }
            case .loop(let loop):
                let turns = try loop.turns(in: context)
                if turns.isEmpty { try loop.otherwise.render(into: &output, context) }
                for (number, values) in turns.enumerated() {
                    try output.step(at: loop.offset)
                    var own = Dictionary(zip(loop.names, values)) { $1 }
                    own["forloop"] = .map([
                        "Counter": .number(UInt64(number + 1)), "Counter0": .number(UInt64(number)),
                        "First": .bool(number == 0), "Last": .bool(number == turns.count - 1),
                    ])
                    try loop.body.render(into: &output, context.adding(own))
                }
            }
        }
    }
}
