// SPDX-License-Identifier: Apache-2.0

/// A configuration file of lines `key = value` and `#` comments, as LXC's own files have them.
package struct KeyValueFile: Sendable {
    /// One setting and where it stands.
    package struct Entry: Sendable, Hashable {
        package var key: String
        package var value: String
        /// Counted from 1.
        package var line: Int
    }

    /// Every setting, in the order of the file.
    package let entries: [Entry]

    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - text: what the file says.
    ///   - path: where it stands, for messages.
    ///   - isKnown: whether a key has a meaning; `known` are the names to suggest for one that has none.
    /// - Throws: `POLICY` for a line without `=`, an empty key, or a key that is not known (with the nearest name).
    package init(
        _ text: String,
        path: String,
        known: [String],
        isKnown: (String) -> Bool
    ) throws(RootcellarError) {
        var entries: [Entry] = []
        var number = 0
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let content = trimmed(line)
            if content.isEmpty || content.hasPrefix("#") { continue }
            guard let equals = content.firstIndex(of: "=") else {
                throw RootcellarError(
                    .policy,
                    "not a setting",
                    subject: "\(path):\(number)",
                    hint: "write 'key = value'"
                )
            }
            let key = trimmed(content[..<equals])
            guard isKnown(key) else {
                throw RootcellarError(
                    .policy,
                    "unknown key '\(key)'",
                    subject: "\(path):\(number)",
                    hint: nearestName(to: key, among: known).map { "did you mean '\($0)'?" }
                )
            }
            entries.append(Entry(key: key, value: trimmed(content[content.index(after: equals)...]), line: number))
        }
        self.entries = entries
    }

    /// The value of a key; the last one where it stands several times.
    package subscript(key: String) -> String? { entries.last { $0.key == key }?.value }

    /// All values of a key.
    package func all(_ key: String) -> [String] { entries.filter { $0.key == key }.map(\.value) }
}

/// `text` without blanks and tabs at its ends.
package func trimmed(_ text: some StringProtocol) -> String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    var slice = text[...]
    while let first = slice.first, blank(first) { slice = slice.dropFirst() }
    while let last = slice.last, blank(last) { slice = slice.dropLast() }
    return String(slice)
}
