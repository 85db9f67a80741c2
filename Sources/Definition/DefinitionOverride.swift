// SPDX-License-Identifier: Apache-2.0

import Model

/// One `-o key=value`: a dotted path into the definition, with indices for list elements, and the text to put there.
struct DefinitionOverride: Hashable {
    /// The path as written, as in `files.3.path`.
    let key: String
    /// Everything after the first `=`.
    let value: String

    /// Reads an option's argument.
    ///
    /// - Throws: `USAGE` without a key or an equals sign.
    init(_ option: String) throws(RootcellarError) {
        guard let equals = option.firstIndex(of: "="), equals != option.startIndex else {
            throw RootcellarError(.usage, "not an override", subject: "-o \(option)", hint: "write -o key=value")
        }
        key = String(option[..<equals])
        value = String(option[option.index(after: equals)...])
    }

    /// Puts the value into the tree. Keys that are not there yet are added; whether they may be is the schema's matter.
    ///
    /// - Throws: `USAGE`.
    func apply(to root: inout YAMLNode) throws(RootcellarError) {
        let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains("") else {
            throw RootcellarError(
                .usage,
                "a part of the key is empty",
                subject: "\(position)",
                hint: "write it as in image.release"
            )
        }
        try set(&root, path, depth: 0)
    }

    private var position: SourcePosition { SourcePosition(override: key) }

    private func set(_ node: inout YAMLNode, _ path: [String], depth: Int) throws(RootcellarError) {
        let rest = path.dropFirst(depth)
        let here = path.prefix(depth).joined(separator: ".")
        switch node.content {
        case .scalar where rest.isEmpty || node.isNull:
            node = build(rest)
        case .scalar:
            throw fault("'\(here)' is a single value, it has no '\(rest.joined(separator: "."))'", at: position)
        case .sequence(var items):
            node.content = .sequence([])  // so that the elements are changed in place
            guard let word = rest.first, let index = Int(word), index >= 0 else {
                throw fault("'\(here)' is a list", at: position, hint: "name an element by index, as in \(here).0")
            }
            guard index < items.count else {
                throw fault("index \(index) out of range: '\(here)' has \(items.count) elements", at: position)
            }
            try set(&items[index], path, depth: depth + 1)
            node.content = .sequence(items)
        case .mapping(var entries):
            guard let key = rest.first else {
                throw fault("'\(here)' is a mapping, not a single value", at: position, hint: "name one of its keys")
            }
            node.content = .mapping([])
            let joined = rest.joined(separator: ".")
            if rest.count > 1, let index = entries.firstIndex(where: { $0.key == joined }) {
                // A key that has dots itself, as release names do.
                entries[index].value = build([])
            } else if let index = entries.firstIndex(where: { Self.same($0.key, key, in: here) }) {
                try set(&entries[index].value, path, depth: depth + 1)
            } else {
                entries.append(YAMLNode.Entry(key: key, keyPosition: position, value: build(rest.dropFirst())))
            }
            node.content = .mapping(entries)
        }
    }

    private func build(_ path: ArraySlice<String>) -> YAMLNode {
        guard let key = path.first else { return YAMLNode(.scalar(value, .override), at: position) }
        let entry = YAMLNode.Entry(key: key, keyPosition: position, value: build(path.dropFirst()))
        return YAMLNode(.mapping([entry]), at: position)
    }

    /// `targets.lxd` and `targets.incus` are the same section.
    private static func same(_ left: String, _ right: String, in path: String) -> Bool {
        left == right || (path == "targets" && Set([left, right]) == ["incus", "lxd"])
    }
}
