// SPDX-License-Identifier: Apache-2.0

/// A node of a definition's text: only what a definition may consist of, with the place of everything.
struct YAMLNode: Hashable {
    /// How a scalar was written; decides whether it can be a boolean, a number or null.
    enum Style: Hashable {
        case plain
        case quoted
        case block
        case override
    }

    indirect enum Content: Hashable {
        case scalar(String, Style)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    /// A key with its value.
    struct Entry: Hashable {
        var key: String
        var keyPosition: SourcePosition
        var value: YAMLNode
    }

    var content: Content
    /// Where the node begins.
    var position: SourcePosition
    /// Where a scalar's text begins, which for blocks and quoted text is not where the node does.
    var textPosition: SourcePosition

    init(_ content: Content, at position: SourcePosition, textAt textPosition: SourcePosition? = nil) {
        self.content = content
        self.position = position
        self.textPosition = textPosition ?? position
    }

    /// Whether this is YAML's null: nothing, `~` or `null` without quotes.
    var isNull: Bool {
        guard case .scalar(let text, .plain) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What kind of node this is, for messages.
    var kind: String {
        switch content {
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
