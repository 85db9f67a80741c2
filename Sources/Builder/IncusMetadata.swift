// SPDX-License-Identifier: Apache-2.0

package import Model

/// `metadata.yaml` and the templates of an Incus or LXD image.
package struct IncusMetadata: Sendable {
    /// The architecture as the definition writes it.
    package var architecture: String
    package var created: Timestamp
    package var expiry: Timestamp
    /// What is shown of the image, by key.
    package var properties: [String: String]
    package var templates: ImageTemplates

    /// Metadata of an image.
    package init(
        architecture: String,
        created: Timestamp,
        expiry: Timestamp,
        properties: [String: String],
        templates: ImageTemplates
    ) {
        self.architecture = architecture
        self.created = created
        self.expiry = expiry
        self.properties = properties
        self.templates = templates
    }

    /// The text of `metadata.yaml`.
    package var yaml: String {
        var lines = [
            "architecture: \(Self.quoted(architecture))",
            "creation_date: \(created.seconds)",
            "expiry_date: \(expiry.seconds)",
        ]
        lines += Self.map("properties", properties, indent: "")
        if templates.incus.isEmpty {
            lines.append("templates: {}")
        } else {
            lines.append("templates:")
            for (path, template) in templates.incus.sorted(by: { $0.key < $1.key }) {
                lines.append("  \(Self.quoted(path)):")
                lines.append("    when:")
                lines += template.when.map { "    - \(Self.quoted($0))" }
                lines.append("    create_only: false")
                lines.append("    template: \(Self.quoted(template.file))")
                lines += Self.map("properties", template.properties, indent: "    ")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func map(_ name: String, _ values: [String: String], indent: String) -> [String] {
        if values.isEmpty { return ["\(indent)\(name): {}"] }
        return ["\(indent)\(name):"]
            + values.sorted { $0.key < $1.key }.map { "\(indent)  \(quoted($0.key)): \(quoted($0.value))" }
    }

    /// A YAML double-quoted scalar (YAML 1.2, 7.3.1): never mistaken for a number, a boolean or structure.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where isUnprintable(scalar):
                let hex = String(scalar.value, radix: 16)
                result += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
