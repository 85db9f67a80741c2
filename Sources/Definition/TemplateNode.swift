// SPDX-License-Identifier: Apache-2.0

/// A piece of a parsed template.
indirect enum TemplateNode {
    case text(String)
    case output(TemplateExpression, offset: Int)
    /// Branches in order; one without a condition is `else`.
    case conditional([(condition: TemplateExpression?, body: [TemplateNode])])
}

extension [TemplateNode] {
    /// Appends what the pieces print.
    func render(into output: inout String, _ context: TemplateValue, limit: Int) throws(TemplateFault) {
        for node in self {
            switch node {
            case .text(let text):
                output += text
            case .output(let expression, let offset):
                guard let text = try expression.value(in: context).printed else {
                    throw TemplateFault("this is a list or a section, not a text", at: offset)
                }
                output += text
                guard output.utf8.count <= limit else {
                    throw TemplateFault("the text grows beyond \(limit) bytes", at: offset)
                }
            case .conditional(let branches):
                for branch in branches {
                    if let condition = branch.condition, !(try condition.value(in: context).isTrue) { continue }
                    try branch.body.render(into: &output, context, limit: limit)
                    break
                }
            }
        }
    }
}
