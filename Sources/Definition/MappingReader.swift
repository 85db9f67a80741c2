// SPDX-License-Identifier: Apache-2.0

import Model

/// Reads one mapping of the schema: every key must be known, every value of its key's type.
struct MappingReader {
    /// How errors call the mapping, as in `image`; empty for the whole definition.
    let path: String
    /// Where it begins.
    let position: SourcePosition
    private let entries: [String: YAMLNode.Entry]

    /// Checks the keys of `node`; a null counts as an empty mapping.
    ///
    /// - Parameter whole: what a text is called of which this is the whole.
    /// - Throws: `DEFINITION` or, for what an override brought, `USAGE`.
    init(_ node: YAMLNode, path: String, keys: [String], whole: String = "definition") throws(RootcellarError) {
        self.path = path
        position = node.position
        var found: [String: YAMLNode.Entry] = [:]
        for entry in try Self.entries(of: node, path: path, whole: whole) {
            guard keys.contains(entry.key) else {
                let place = path.isEmpty ? "" : " in '\(path)'"
                throw fault(
                    "unknown key '\(entry.key)'\(place)",
                    at: entry.keyPosition,
                    hint: hint(for: entry.key, among: keys)
                )
            }
            guard found.updateValue(entry, forKey: entry.key) == nil else {
                throw fault("key '\(entry.key)' is there twice", at: entry.keyPosition)
            }
        }
        entries = found
    }

    /// The node of `key`; nil if it is absent or null.
    func node(_ key: String) -> YAMLNode? {
        guard let value = entries[key]?.value, !value.isNull else { return nil }
        return value
    }

    /// Where the value of `key` is, or else the mapping.
    func place(_ key: String) -> SourcePosition { entries[key]?.value.position ?? position }

    /// Where `key` itself is, if it is there.
    func keyPlace(_ key: String) -> SourcePosition? { entries[key]?.keyPosition }

    /// A text with its place; empty if absent. Scalars of any look keep their source text.
    func text(_ key: String) throws(RootcellarError) -> SourceText {
        guard let node = entries[key]?.value else { return SourceText("", at: position) }
        return try Self.text(node, path: name(key))
    }

    /// A text; empty if absent.
    func string(_ key: String) throws(RootcellarError) -> String { try text(key).text }

    /// A boolean as YAML 1.1 writes it; false if absent.
    func bool(_ key: String) throws(RootcellarError) -> Bool {
        guard let node = node(key) else { return false }
        guard case .scalar(let text, let style) = node.content else {
            throw wrong(node, key, "true or false")
        }
        switch text {
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
            if style == .plain || style == .override { return true }
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
            if style == .plain || style == .override { return false }
        case "1", "t", "T": if style == .override { return true }
        case "0", "f", "F": if style == .override { return false }
        default: break
        }
        throw wrong(node, key, "true or false")
    }

    /// A whole number that is not negative; nil if absent.
    func unsigned(_ key: String) throws(RootcellarError) -> UInt64? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let text, let style) = node.content, style == .plain || style == .override,
            let value = ByteSize.wholeNumber(text)
        else { throw wrong(node, key, "a whole number") }
        return value
    }

    /// A size in bytes, with or without a unit; nil if absent.
    func byteSize(_ key: String) throws(RootcellarError) -> UInt64? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let text, _) = node.content else { throw wrong(node, key, "a size") }
        if text.isEmpty { return nil }
        guard let value = ByteSize.bytes(text) else { throw wrong(node, key, "a size as in 4294967296 or 4GiB") }
        return value
    }

    /// One of the words of `Word`; nil if absent or empty.
    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String,
        what: String,
        otherNames: [String: Word] = [:]
    ) throws(RootcellarError) -> Word? where Word.RawValue == String {
        guard let node = node(key) else { return nil }
        let written = try Self.text(node, path: name(key)).text
        let text = trimmed(written)
        if text.isEmpty { return nil }
        if let value = Word(rawValue: text) ?? otherNames[text] { return value }
        let names = Word.allCases.map(\.rawValue)
        throw fault(
            "'\(text)' is not \(what)",
            at: node.position,
            hint: hint(for: text, among: names + otherNames.keys.sorted())
        )
    }

    /// One of the words of `Word`, which must be there.
    func requiredWord<Word: RawRepresentable & CaseIterable>(
        _ key: String,
        what: String,
        otherNames: [String: Word] = [:]
    ) throws(RootcellarError) -> Word where Word.RawValue == String {
        if let value: Word = try word(key, what: what, otherNames: otherNames) { return value }
        throw fault("'\(name(key))' is missing: it must be \(what)", at: place(key))
    }

    /// A list of what `read` makes of each element; empty if absent.
    func list<Element>(
        _ key: String,
        _ read: (YAMLNode, String) throws(RootcellarError) -> Element
    ) throws(RootcellarError) -> [Element] {
        guard let node = node(key) else { return [] }
        guard case .sequence(let items) = node.content else {
            if case .override = node.position.origin, case .mapping = node.content {
                throw fault("index out of range: '\(name(key))' has no elements", at: node.position)
            }
            throw wrong(node, key, "a list")
        }
        var result: [Element] = []
        for (index, item) in items.enumerated() { result.append(try read(item, "\(name(key)).\(index)")) }
        return result
    }

    /// A list of texts with their places.
    func texts(_ key: String) throws(RootcellarError) -> [SourceText] {
        try list(key) { node, path throws(RootcellarError) in try Self.text(node, path: path) }
    }

    /// A list of texts.
    func strings(_ key: String) throws(RootcellarError) -> [String] { try texts(key).map(\.text) }

    /// A mapping of any keys to texts; empty if absent.
    func dictionary(_ key: String) throws(RootcellarError) -> [String: String] {
        guard let node = node(key) else { return [:] }
        var result: [String: String] = [:]
        for entry in try Self.entries(of: node, path: name(key)) {
            result[entry.key] = try Self.text(entry.value, path: "\(name(key)).\(entry.key)").text
        }
        return result
    }

    /// The full name of `key`.
    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func wrong(_ node: YAMLNode, _ key: String, _ wanted: String) -> RootcellarError {
        var found = node.kind
        if case .scalar(let text, _) = node.content { found = "'\(text.prefix(40))'" }
        return fault("'\(name(key))' must be \(wanted), this is \(found)", at: node.position)
    }

    private static func entries(
        of node: YAMLNode,
        path: String,
        whole: String = "definition"
    ) throws(RootcellarError) -> [YAMLNode.Entry] {
        if node.isNull { return [] }
        guard case .mapping(let entries) = node.content else {
            let what = path.isEmpty ? "a \(whole)" : "'\(path)'"
            throw fault("\(what) must be a mapping, this is \(node.kind)", at: node.position)
        }
        return entries
    }

    private static func text(_ node: YAMLNode, path: String) throws(RootcellarError) -> SourceText {
        if node.isNull { return SourceText("", at: node.position) }
        guard case .scalar(let text, _) = node.content else {
            throw fault("'\(path)' must be a single value, this is \(node.kind)", at: node.position)
        }
        return SourceText(text, at: node.textPosition)
    }
}

/// `text` without white space at its ends.
func trimmed(_ text: String) -> String {
    let tail = text.drop { $0.isWhitespace }
    return String(tail.reversed().drop { $0.isWhitespace }.reversed())
}
