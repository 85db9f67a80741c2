// SPDX-License-Identifier: Apache-2.0

import Model

/// Makes a definition of a tree: the whole schema, key by key.
enum DefinitionDecoder {
    private static let filterKeys = ["releases", "architectures", "variants", "types"]

    /// Reads every section.
    ///
    /// - Throws: `DEFINITION` or `USAGE` for the first key or value that the schema does not have.
    static func decode(_ root: YAMLNode) throws(RootcellarError) -> ImageDefinition {
        let reader = try MappingReader(
            root,
            path: "",
            keys: [
                "image", "source", "targets", "files", "packages", "actions", "mappings", "environment", "simplestream",
            ]
        )
        var result = ImageDefinition()
        result.image = try image(section(reader, "image"))
        result.source = try source(section(reader, "source"))
        result.targets = try targets(section(reader, "targets"))
        result.files = try reader.list("files", file)
        result.packages = try packages(section(reader, "packages"))
        result.actions = try reader.list("actions", action)
        result.mappings = try mappings(section(reader, "mappings"))
        result.environment = try environment(section(reader, "environment"))
        result.simplestream = try simplestream(section(reader, "simplestream"))
        return result
    }

    /// The node of a section with its name; an absent one is an empty mapping.
    private static func section(_ reader: MappingReader, _ key: String) -> (node: YAMLNode, path: String) {
        (reader.node(key) ?? YAMLNode(.mapping([]), at: reader.keyPlace(key) ?? reader.position), reader.name(key))
    }

    private static func image(_ section: (node: YAMLNode, path: String)) throws(RootcellarError) -> ImageSection {
        let reader = try MappingReader(
            section.node,
            path: section.path,
            keys: [
                "distribution", "description", "release", "architecture", "variant", "expiry", "serial", "name",
                "architecture_mapped", "architecture_kernel", "architecture_personality",
            ]
        )
        // The three derived names are accepted, because a definition printed by a tool has them, and computed anew.
        for key in ["architecture_mapped", "architecture_kernel", "architecture_personality"] {
            _ = try reader.text(key)
        }
        return ImageSection(
            position: reader.position,
            distribution: try reader.string("distribution"),
            description: try reader.text("description"),
            release: try reader.string("release"),
            architecture: try reader.text("architecture"),
            variant: try reader.string("variant"),
            expiry: try reader.text("expiry"),
            serial: try reader.string("serial"),
            name: try reader.text("name")
        )
    }

    private static func source(_ section: (node: YAMLNode, path: String)) throws(RootcellarError) -> SourceSection {
        let reader = try MappingReader(
            section.node,
            path: section.path,
            keys: [
                "downloader", "url", "keys", "keyserver", "variant", "suite", "same_as", "skip_verification",
                "components",
            ]
        )
        return SourceSection(
            position: reader.position,
            downloader: try reader.requiredWord("downloader", what: "a downloader"),
            downloaderPosition: reader.place("downloader"),
            url: try reader.text("url"),
            keys: try reader.texts("keys"),
            keyserver: try reader.string("keyserver"),
            variant: try reader.string("variant"),
            suite: try reader.string("suite"),
            sameAs: try reader.string("same_as"),
            skipVerification: try reader.bool("skip_verification"),
            components: try reader.texts("components")
        )
    }

    private static func targets(_ section: (node: YAMLNode, path: String)) throws(RootcellarError) -> TargetsSection {
        let reader = try MappingReader(section.node, path: section.path, keys: ["lxc", "incus", "lxd", "type"])
        if reader.node("incus") != nil, let second = reader.keyPlace("lxd"), reader.node("lxd") != nil {
            throw fault("'targets.incus' and 'targets.lxd' are the same section", at: second)
        }
        _ = try reader.text("type")  // an internal field of distrobuilder; what is built decides
        var result = TargetsSection()
        let lxc = self.section(reader, "lxc")
        let lxcReader = try MappingReader(lxc.node, path: lxc.path, keys: ["create_message", "config"])
        result.lxc.createMessage = try lxcReader.text("create_message")
        result.lxc.config = try lxcReader.list("config", lxcConfig)
        result.incus = try incus(self.section(reader, reader.node("lxd") == nil ? "incus" : "lxd"))
        return result
    }

    private static func incus(_ section: (node: YAMLNode, path: String)) throws(RootcellarError) -> IncusTarget {
        let reader = try MappingReader(section.node, path: section.path, keys: ["vm"])
        let inner = self.section(reader, "vm")
        let machine = try MappingReader(inner.node, path: inner.path, keys: ["size", "filesystem"])
        var result = IncusTarget()
        if let size = try machine.byteSize("size"), size > 0 { result.vmSize = size }
        let filesystem = try machine.string("filesystem")
        if !filesystem.isEmpty { result.vmFilesystem = filesystem }
        result.vmFilesystemPosition = machine.place("filesystem")
        return result
    }

    private static func lxcConfig(_ node: YAMLNode, _ path: String) throws(RootcellarError) -> LXCConfigItem {
        let reader = try MappingReader(node, path: path, keys: filterKeys + ["type", "before", "after", "content"])
        return LXCConfigItem(
            filter: try filter(reader),
            position: reader.position,
            type: try reader.string("type"),
            before: try reader.unsigned("before") ?? 0,
            after: try reader.unsigned("after") ?? 0,
            content: try reader.text("content")
        )
    }

    private static func file(_ node: YAMLNode, _ path: String) throws(RootcellarError) -> FileItem {
        let reader = try MappingReader(
            node,
            path: path,
            keys: filterKeys + [
                "generator", "path", "content", "source", "name", "mode", "uid", "gid", "template", "templated",
                "pongo",
            ]
        )
        let inner = section(reader, "template")
        let template = try MappingReader(inner.node, path: inner.path, keys: ["properties", "when"])
        return FileItem(
            filter: try filter(reader),
            position: reader.position,
            generator: try reader.requiredWord("generator", what: "a generator", otherNames: Generator.otherNames),
            path: try reader.text("path"),
            content: try reader.text("content"),
            source: try reader.text("source"),
            name: try reader.string("name"),
            mode: try reader.string("mode"),
            uid: try reader.string("uid"),
            gid: try reader.string("gid"),
            properties: try template.dictionary("properties"),
            when: try template.strings("when"),
            templated: try reader.bool("templated"),
            pongo: try reader.bool("pongo")
        )
    }

    private static func action(_ node: YAMLNode, _ path: String) throws(RootcellarError) -> ActionItem {
        let reader = try MappingReader(node, path: path, keys: filterKeys + ["trigger", "action", "pongo"])
        return ActionItem(
            filter: try filter(reader),
            position: reader.position,
            trigger: try reader.requiredWord("trigger", what: "a trigger"),
            action: try reader.text("action"),
            pongo: try reader.bool("pongo")
        )
    }

    private static func packages(_ section: (node: YAMLNode, path: String)) throws(RootcellarError) -> PackagesSection {
        let reader = try MappingReader(
            section.node,
            path: section.path,
            keys: ["manager", "custom_manager", "update", "cleanup", "sets", "repositories"]
        )
        var custom: CustomManager?
        if reader.node("custom_manager") != nil {
            custom = try customManager(self.section(reader, "custom_manager"))
        }
        return PackagesSection(
            position: reader.position,
            manager: try reader.word("manager", what: "a package manager"),
            managerPosition: reader.place("manager"),
            customManager: custom,
            update: try reader.bool("update"),
            cleanup: try reader.bool("cleanup"),
            sets: try reader.list("sets", packageSet),
            repositories: try reader.list("repositories", repository)
        )
    }

    private static func customManager(
        _ section: (node: YAMLNode, path: String)
    ) throws(RootcellarError) -> CustomManager {
        let verbs = ["clean", "install", "remove", "refresh", "update"]
        let reader = try MappingReader(section.node, path: section.path, keys: verbs + ["flags"])
        func verb(_ key: String) throws(RootcellarError) -> CustomManager.Verb {
            let inner = self.section(reader, key)
            let verb = try MappingReader(inner.node, path: inner.path, keys: ["cmd", "flags"])
            let command = try verb.string("cmd")
            guard !command.isEmpty else { throw fault("'\(inner.path).cmd' is missing", at: verb.position) }
            return CustomManager.Verb(command: command, flags: try verb.strings("flags"))
        }
        return CustomManager(
            position: reader.position,
            clean: try verb("clean"),
            install: try verb("install"),
            remove: try verb("remove"),
            refresh: try verb("refresh"),
            update: try verb("update"),
            flags: try reader.strings("flags")
        )
    }

    private static func packageSet(_ node: YAMLNode, _ path: String) throws(RootcellarError) -> PackageSet {
        let reader = try MappingReader(node, path: path, keys: filterKeys + ["packages", "action", "early", "flags"])
        return PackageSet(
            filter: try filter(reader),
            position: reader.position,
            packages: try reader.strings("packages"),
            action: try reader.requiredWord("action", what: "an action of a package set"),
            early: try reader.bool("early"),
            flags: try reader.strings("flags")
        )
    }

    private static func repository(_ node: YAMLNode, _ path: String) throws(RootcellarError) -> RepositoryItem {
        let reader = try MappingReader(node, path: path, keys: filterKeys + ["name", "url", "key", "type"])
        return RepositoryItem(
            filter: try filter(reader),
            position: reader.position,
            name: try reader.string("name"),
            url: try reader.text("url"),
            key: try reader.text("key"),
            type: try reader.string("type")
        )
    }

    private static func mappings(_ section: (node: YAMLNode, path: String)) throws(RootcellarError) -> MappingsSection {
        let reader = try MappingReader(section.node, path: section.path, keys: ["architecture_map", "architectures"])
        let map: ArchitectureMap? = try reader.word("architecture_map", what: "an architecture map")
        if let map, map.mapped("") == nil {
            throw fault(
                "there is no table for architecture map '\(map.rawValue)'",
                at: reader.place("architecture_map"),
                hint: "leave it out, or write the names under mappings.architectures"
            )
        }
        return MappingsSection(architectureMap: map, architectures: try reader.dictionary("architectures"))
    }

    private static func environment(
        _ section: (node: YAMLNode, path: String)
    ) throws(RootcellarError) -> EnvironmentSection {
        let reader = try MappingReader(section.node, path: section.path, keys: ["clear_defaults", "variables"])
        return EnvironmentSection(
            clearDefaults: try reader.bool("clear_defaults"),
            variables: try reader.list("variables") { node, path throws(RootcellarError) in
                let item = try MappingReader(node, path: path, keys: filterKeys + ["key", "value"])
                return EnvironmentVariable(
                    filter: try filter(item),
                    position: item.position,
                    key: try item.string("key"),
                    value: try item.string("value")
                )
            }
        )
    }

    private static func simplestream(
        _ section: (node: YAMLNode, path: String)
    ) throws(RootcellarError) -> SimplestreamSection {
        let reader = try MappingReader(
            section.node,
            path: section.path,
            keys: ["distro_name", "release_aliases", "requirements"]
        )
        return SimplestreamSection(
            distroName: try reader.string("distro_name"),
            releaseAliases: try reader.dictionary("release_aliases"),
            requirements: try reader.list("requirements") { node, path throws(RootcellarError) in
                let item = try MappingReader(node, path: path, keys: filterKeys + ["requirements"])
                return SimplestreamRequirement(
                    filter: try filter(item),
                    position: item.position,
                    requirements: try item.dictionary("requirements")
                )
            }
        )
    }

    private static func filter(_ reader: MappingReader) throws(RootcellarError) -> ItemFilter {
        var types: [TargetType] = []
        for text in try reader.texts("types") {
            guard let type = TargetType(rawValue: text.text) else {
                throw fault(
                    "'\(text.text)' is not a type of image",
                    at: text.position,
                    hint: hint(for: text.text, among: TargetType.allCases.map(\.rawValue))
                )
            }
            types.append(type)
        }
        return ItemFilter(
            releases: try reader.strings("releases"),
            architectures: try reader.strings("architectures"),
            variants: try reader.strings("variants"),
            types: types
        )
    }
}
