// SPDX-License-Identifier: Apache-2.0

package import Model

/// `metadata.yaml` of an image for LXD and Incus, as the two read it.
package struct InstanceMetadata: Hashable, Sendable {
    package var architecture: String
    /// Unix time.
    package var creationDate: Int64
    /// Unix time; 0 for never.
    package var expiryDate: Int64
    package var properties: [String: String]
    /// The name of the template's file for each path of the rootfs that is written anew.
    package var templates: [String: String]

    /// The name of the file.
    package static let fileName = "metadata.yaml"

    /// Reads the text of the file. Keys that it does not need are passed over, as the two do.
    ///
    /// - Throws: `META`.
    package init(_ text: String) throws(RootcellarError) {
        let root: YAMLNode
        do throws(RootcellarError) {
            root = try YAMLReader.read(text, file: Self.fileName)
        } catch {
            throw RootcellarError(.meta, error.reason, subject: error.subject)
        }
        let entries = try Self.entries(root)
        architecture = try Self.scalar(entries, "architecture") ?? ""
        creationDate = try Self.number(entries, "creation_date")
        expiryDate = try Self.number(entries, "expiry_date")
        properties = [:]
        for entry in try Self.entries(entries["properties"]).sorted(by: { $0.key < $1.key }) {
            properties[entry.key] = try Self.text(entry.value)
        }
        templates = [:]
        for (path, value) in try Self.entries(entries["templates"]) {
            guard let file = try Self.scalar(Self.entries(value), "template") else {
                throw Self.refuse("'\(path)' has no template", value)
            }
            templates[path] = file
        }
    }

    private static func entries(_ node: YAMLNode?) throws(RootcellarError) -> [String: YAMLNode] {
        guard let node, !node.isNull else { return [:] }
        guard case .mapping(let entries) = node.content else { throw refuse("not a mapping", node) }
        // The reader refuses keys that are there twice.
        return Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    private static func text(_ node: YAMLNode) throws(RootcellarError) -> String {
        guard case .scalar(let text, _) = node.content else { throw refuse("not a single value", node) }
        return text
    }

    private static func scalar(_ entries: [String: YAMLNode], _ key: String) throws(RootcellarError) -> String? {
        guard let node = entries[key] else { return nil }
        return try text(node)
    }

    private static func number(_ entries: [String: YAMLNode], _ key: String) throws(RootcellarError) -> Int64 {
        guard let node = entries[key] else { return 0 }
        guard case .scalar(let text, .plain) = node.content, let number = Int64(text) else {
            throw refuse("'\(key)' is not a whole number", node)
        }
        return number
    }

    private static func refuse(_ what: String, _ node: YAMLNode) -> RootcellarError {
        RootcellarError(.meta, what, subject: "\(node.position)")
    }
}
