// SPDX-License-Identifier: Apache-2.0

package import Model

/// A definition's text, as a file or standard input gave it.
package enum DefinitionFile {
    /// Reads a definition for one image: parse, overrides, defaults, checks, architecture names, templates of the source.
    ///
    /// - Parameters:
    ///   - text: the YAML.
    ///   - path: how errors name the file.
    ///   - overrides: arguments of `-o`, `key=value` each, applied in order.
    ///   - hostArchitecture: `uname -m`, for definitions that name no architecture.
    ///   - now: the current time.
    /// - Returns: the definition, and what is accepted but probably not meant, one line each with its place.
    /// - Throws: `DEFINITION` for the file, `USAGE` for an override; the subject is `file:line:column` or `-o key`.
    package static func load(
        text: String,
        path: String,
        overrides: [String] = [],
        hostArchitecture: String,
        now: Timestamp
    ) throws(RootcellarError) -> (definition: ResolvedDefinition, warnings: [String]) {
        var root = try YAMLReader.read(text, file: path)
        for option in overrides { try DefinitionOverride(option).apply(to: &root) }
        var definition = try DefinitionDecoder.decode(root)
        applyDefaults(to: &definition, hostArchitecture: hostArchitecture, now: now)
        try check(definition)
        let resolved = try resolve(definition, now: now)
        return (resolved, DefinitionReview.warnings(for: resolved))
    }

    private static func applyDefaults(
        to definition: inout ImageDefinition,
        hostArchitecture: String,
        now: Timestamp
    ) {
        if definition.image.architecture.isEmpty { definition.image.architecture.text = hostArchitecture }
        if definition.image.variant.isEmpty { definition.image.variant = "default" }
        if definition.image.expiry.isEmpty { definition.image.expiry.text = Expiry.standard }
        if definition.image.serial.isEmpty { definition.image.serial = "\(Serial(now))" }
        if definition.image.name.isEmpty {
            definition.image.name = SourceText(
                "{{ image.distribution }}-{{ image.release }}-{{ image.architecture_mapped }}-{{ image.variant }}"
                    + "-{{ image.serial }}"
            )
        }
        if definition.image.description.isEmpty {
            definition.image.description = SourceText(
                "{{ image.distribution|capfirst }} {{ image.release }} {{ image.architecture_mapped }}"
                    + "{% if image.variant != \"default\" %} ({{ image.variant }}){% endif %} ({{ image.serial }})"
            )
        }
    }

    /// What decoding could not see key by key.
    private static func check(_ definition: ImageDefinition) throws(RootcellarError) {
        guard !trimmed(definition.image.distribution).isEmpty else {
            throw fault("'image.distribution' is missing", at: definition.image.position)
        }
        let packages = definition.packages
        if packages.manager != nil, let custom = packages.customManager {
            throw fault("'packages.manager' and 'packages.custom_manager' are both there", at: custom.position)
        }
        guard packages.manager != nil || packages.customManager != nil else {
            throw fault(
                "'packages.manager' is missing",
                at: packages.position,
                hint: "name one, or describe one under packages.custom_manager"
            )
        }
    }

    private static func resolve(
        _ definition: ImageDefinition,
        now: Timestamp
    ) throws(RootcellarError) -> ResolvedDefinition {
        var definition = definition
        let name = definition.image.architecture.text
        guard let architecture = Architecture(name: name) else {
            throw fault(
                "'\(name)' is not an architecture",
                at: definition.image.architecture.position,
                hint: hint(for: name, among: Architecture.knownNames)
            )
        }
        let mappings = definition.mappings
        let mapped = mappings.architectureMap?.mapped(name) ?? mappings.architectures[name] ?? name
        let context = TemplateValue.definition(
            definition,
            mappedArchitecture: mapped,
            architecture: architecture,
            target: .container
        )
        definition.source.url = try Template.render(definition.source.url, context)
        for index in definition.source.keys.indices {
            definition.source.keys[index] = try Template.render(definition.source.keys[index], context)
        }
        definition.image.name = try Template.render(definition.image.name, context)
        definition.image.description = try Template.render(definition.image.description, context)
        let expiry = Expiry.seconds(definition.image.expiry.text) ?? Expiry.seconds(Expiry.standard) ?? 0
        return ResolvedDefinition(
            definition: definition,
            mappedArchitecture: mapped,
            architecture: architecture,
            now: now,
            expirySeconds: expiry
        )
    }
}
