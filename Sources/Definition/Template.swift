// SPDX-License-Identifier: Apache-2.0

import Model

/// Renders the templates of a definition: the part of the Django language that definitions use, and a clear error for the
/// rest. Nothing can be included, loaded or run from a template.
///
/// What comes out may hold templates again, as a description in a message does; it is rendered again, a few times.
enum Template {
    /// How often a text is rendered; a chain of references in a definition has two or three links.
    static let maximumRounds = 8
    /// UTF-8 bytes of a rendered text.
    static let maximumSize = 4 << 20

    /// Renders `source`; without delimiters it is returned as it is.
    ///
    /// - Throws: `DEFINITION` (`USAGE` for a text that an override brought) with the place of what cannot be rendered.
    static func render(_ source: SourceText, _ context: TemplateValue) throws(RootcellarError) -> SourceText {
        var text = source.text
        guard hasDelimiters(text) || text.contains("{#") else { return source }
        for round in 1...maximumRounds {
            let scalars = Array(text.unicodeScalars)
            do throws(TemplateFault) {
                var output = TemplateOutput(limit: maximumSize)
                try TemplateParser.parse(scalars).render(into: &output, context)
                text = output.text
            } catch {
                // Places inside a text are known only as long as it is the one that was written.
                let place = round == 1 ? source.position(after: scalars.prefix(error.offset)) : source.position
                throw fault("in the template: \(error.reason)", at: place, hint: error.hint)
            }
            if !hasDelimiters(text) { return SourceText(text, at: source.position) }
        }
        throw fault(
            "the template still holds templates after \(maximumRounds) rounds",
            at: source.position,
            hint: "does it refer to itself?"
        )
    }

    /// Parses without rendering.
    ///
    /// - Throws: what `render` would throw for a text that is not a template.
    static func check(_ source: SourceText) throws(RootcellarError) {
        let scalars = Array(source.text.unicodeScalars)
        do throws(TemplateFault) { _ = try TemplateParser.parse(scalars) } catch {
            throw fault(
                "in the template: \(error.reason)",
                at: source.position(after: scalars.prefix(error.offset)),
                hint: error.hint
            )
        }
    }

    private static func hasDelimiters(_ text: String) -> Bool { text.contains("{{") || text.contains("{%") }
}

/// What is wrong with a template, and where in its text.
struct TemplateFault: Error {
    var reason: String
    /// Unicode scalars from the beginning.
    var offset: Int
    var hint: String?

    init(_ reason: String, at offset: Int, hint: String? = nil) {
        self.reason = reason
        self.offset = offset
        self.hint = hint
    }
}
