// SPDX-License-Identifier: Apache-2.0

/// A text and the place where it begins, so that what is wrong inside it can be named by line and column.
package struct SourceText: Hashable, Sendable, CustomStringConvertible {
    /// The text.
    package var text: String
    /// Where its first character was written.
    package var position: SourcePosition

    /// A text written at `position`.
    package init(_ text: String, at position: SourcePosition = .default) {
        self.text = text
        self.position = position
    }

    package var description: String { text }

    /// Whether there is no text.
    package var isEmpty: Bool { text.isEmpty }

    /// The place of the character that follows `prefix`, a beginning of `text`. Exact for literal blocks and for one line.
    func position(after prefix: some Collection<Unicode.Scalar>) -> SourcePosition {
        guard case .file = position.origin else { return position }
        var place = position
        for scalar in prefix {
            if scalar == "\n" {
                place.line += 1
                place.column = position.column
            } else {
                place.column += 1
            }
        }
        return place
    }
}
