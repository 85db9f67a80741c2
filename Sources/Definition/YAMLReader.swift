// SPDX-License-Identifier: Apache-2.0

import Model
import Yams

/// Reads the safe part of YAML: one document of mappings, lists and scalars, without anchors, aliases and tags, limited in
/// size and depth. Duplicate keys are refused.
struct YAMLReader {
    /// Bytes of a definition.
    static let maximumSize = 1 << 20
    /// Levels of nesting; a definition needs six.
    static let maximumDepth = 32

    private let file: String
    private let what: String
    private let lines: [Substring.UTF8View]

    /// Reads `text`, naming it `file` in errors.
    ///
    /// - Parameter what: what the text is called in errors.
    /// - Throws: `DEFINITION`.
    static func read(
        _ text: String,
        file: String,
        what: String = "definition"
    ) throws(RootcellarError) -> YAMLNode {
        guard text.utf8.count <= maximumSize else {
            throw RootcellarError(
                .definition,
                "\(text.utf8.count) bytes, a \(what) has at most \(maximumSize)",
                subject: file
            )
        }
        if let place = AliasScan.firstOfTooMany(text) {
            throw Self.noAliases(SourcePosition(file: file, line: place.line, column: place.column))
        }
        return try YAMLReader(text, file: file, what: what).read(text)
    }

    private init(_ text: String, file: String, what: String) {
        self.file = file
        self.what = what
        lines = text[...].utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    }

    private func read(_ text: String) throws(RootcellarError) -> YAMLNode {
        do {
            // The basic resolver gives every plain scalar the type of a string: definitions type by key, not by look.
            let parser = try Parser(yaml: text, resolver: .basic, constructor: .default, encoding: .utf8)
            // Nodes refer to their anchors weakly, the parser holds them.
            return try withExtendedLifetime(parser) {
                guard let root = try parser.singleRoot() else {
                    throw RootcellarError(.definition, "no \(what) in it", subject: "\(file):1:1")
                }
                return try convert(root, depth: 1)
            }
        } catch let error as RootcellarError {
            throw error
        } catch let error as YamlError {
            throw translate(error, text)
        } catch {
            throw RootcellarError(.definition, "\(error)", subject: file)
        }
    }

    private func convert(_ node: Node, depth: Int) throws(RootcellarError) -> YAMLNode {
        let position = place(node.mark)
        guard node.anchor == nil else { throw Self.noAliases(position) }
        guard depth <= Self.maximumDepth else {
            throw RootcellarError(
                .definition,
                "nested more than \(Self.maximumDepth) levels deep",
                subject: "\(position)"
            )
        }
        switch node {
        case .scalar(let scalar):
            try refuseTag(scalar.tag, position)
            let (style, start) = style(of: scalar, at: position)
            return YAMLNode(.scalar(scalar.string, style), at: position, textAt: start)
        case .sequence(let sequence):
            try refuseTag(sequence.tag, position)
            var items: [YAMLNode] = []
            for item in sequence { items.append(try convert(item, depth: depth + 1)) }
            return YAMLNode(.sequence(items), at: position)
        case .mapping(let mapping):
            try refuseTag(mapping.tag, position)
            var entries: [YAMLNode.Entry] = []
            for (key, value) in mapping {
                let keyNode = try convert(key, depth: depth + 1)
                guard case .scalar(let name, _) = keyNode.content else {
                    throw RootcellarError(
                        .definition,
                        "a key must be a single word, this is \(keyNode.kind)",
                        subject: "\(keyNode.position)"
                    )
                }
                let value = try convert(value, depth: depth + 1)
                entries.append(YAMLNode.Entry(key: name, keyPosition: keyNode.position, value: value))
            }
            return YAMLNode(.mapping(entries), at: position)
        case .alias:
            throw Self.noAliases(position)
        }
    }

    private static func noAliases(_ position: SourcePosition) -> RootcellarError {
        RootcellarError(
            .definition,
            "anchors and aliases are not part of the format",
            subject: "\(position)",
            hint: "write the value out"
        )
    }

    /// Only the tags that plain and quoted text have by themselves; anything else asks for a type by name.
    private func refuseTag(_ tag: Tag, _ position: SourcePosition) throws(RootcellarError) {
        let name = tag.description
        guard
            name.isEmpty || name == "!" || ["str", "seq", "map"].contains(where: { name == "tag:yaml.org,2002:\($0)" })
        else {
            throw RootcellarError(.definition, "tag '\(name)' is not part of the format", subject: "\(position)")
        }
    }

    private func place(_ mark: Mark?) -> SourcePosition {
        SourcePosition(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    private func style(of scalar: Node.Scalar, at position: SourcePosition) -> (YAMLNode.Style, SourcePosition) {
        var start = position
        switch scalar.style {
        case .any, .plain: return (.plain, start)
        case .singleQuoted, .doubleQuoted:
            start.column += 1
            return (.quoted, start)
        case .literal, .folded:
            // The text begins on the line below the indicator, as far in as its first line that is not blank.
            start.line += 1
            let first = lines.dropFirst(position.line).first { !$0.allSatisfy { $0 == 0x20 || $0 == 0x0D } }
            start.column = (first?.prefix { $0 == 0x20 }.count ?? 0) + 1
            return (.block, start)
        }
    }

    private func translate(_ error: YamlError, _ text: String) -> RootcellarError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let reason = [problem, context?.text].compactMap(\.self).joined(separator: " ")
            return RootcellarError(.definition, reason, subject: "\(place(mark))")
        case .composer(_, let problem, let mark, _):
            if problem.contains("another document") {
                return RootcellarError(
                    .definition,
                    "a second document begins here, a \(what) is one",
                    subject: "\(place(mark))"
                )
            }
            return RootcellarError(.definition, problem, subject: "\(place(mark))")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0).unicodeScalars
            let line = before.reduce(into: 1) { if $1 == "\n" { $0 += 1 } }
            let column = before.reversed().prefix { $0 != "\n" }.count + 1
            return RootcellarError(.definition, problem, subject: "\(file):\(line):\(column)")
        case .duplicatedKeysInMapping(let names, let context):
            let name = names.first ?? ""
            return RootcellarError(
                .definition,
                "key '\(name)' is there twice",
                subject: "\(second(name, after: context.mark) ?? place(context.mark))"
            )
        default:
            return RootcellarError(.definition, "\(error)", subject: file)
        }
    }

    /// Where `name` stands again in the mapping whose key it first is at `mark`. Keys of a block mapping begin in the same
    /// column, and nothing inside its values does; in a flow mapping the first place has to do.
    private func second(_ name: String, after mark: Mark) -> SourcePosition? {
        let indent = mark.column - 1
        for (index, line) in lines.enumerated().dropFirst(mark.line) {
            guard line.prefix(while: { $0 == 0x20 }).count == indent else { continue }
            var rest = line.dropFirst(indent)
            let quote = rest.first.flatMap { $0 == 0x22 || $0 == 0x27 ? $0 : nil }
            if quote != nil { rest = rest.dropFirst() }
            guard rest.starts(with: name.utf8) else { continue }
            rest = rest.dropFirst(name.utf8.count)
            if quote != nil { rest = rest.dropFirst() }
            if rest.drop(while: { $0 == 0x20 }).first == UInt8(ascii: ":") {
                return SourcePosition(file: file, line: index + 1, column: mark.column)
            }
        }
        return nil
    }
}
