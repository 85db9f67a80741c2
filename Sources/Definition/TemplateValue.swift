// SPDX-License-Identifier: Apache-2.0

/// What a template can look up: texts, truth values, numbers, lists and named values.
indirect enum TemplateValue: Hashable {
    case none
    case text(String)
    case bool(Bool)
    case number(UInt64)
    case list([TemplateValue])
    case map([String: TemplateValue])

    /// What `if` makes of it: nothing, the empty text, zero and empty collections are false.
    var isTrue: Bool {
        switch self {
        case .none: false
        case .text(let text): !text.isEmpty
        case .bool(let value): value
        case .number(let number): number != 0
        case .list(let items): !items.isEmpty
        case .map(let items): !items.isEmpty
        }
    }

    /// What `{{ }}` prints; nil for collections.
    var printed: String? {
        switch self {
        case .none: ""
        case .text(let text): text
        case .bool(let value): value ? "True" : "False"
        case .number(let number): String(number)
        case .list, .map: nil
        }
    }

    /// The value called `name`, or with that index; `none` if there is no such.
    func member(_ name: String) -> TemplateValue {
        switch self {
        case .map(let items): return items[name] ?? .none
        case .list(let items):
            guard let index = Int(name), items.indices.contains(index) else { return .none }
            return items[index]
        case .none, .text, .bool, .number: return .none
        }
    }

    /// Whether `item` is one of this list or section, or a part of this text.
    func contains(_ item: TemplateValue) -> Bool {
        switch self {
        case .list(let items): return items.contains { $0.equals(item) }
        case .map(let items): return items[item.printed ?? ""] != nil
        case .text(let text): return item.printed.map { $0.isEmpty || text.contains($0) } ?? false
        case .none, .bool, .number: return false
        }
    }

    /// Equality as templates see it: an absent value equals the empty text; otherwise values of different kinds differ.
    func equals(_ other: TemplateValue) -> Bool {
        switch (self, other) {
        case (.none, .text(let text)), (.text(let text), .none): text.isEmpty
        default: self == other
        }
    }
}

extension TemplateValue {
    /// The names that templates of a definition can look up: the keys of `image`, `source`, `targets` and `mappings`, and
    /// the plain values of `packages` and `environment`. Keys without a value are absent.
    static func definition(
        _ definition: ImageDefinition,
        mappedArchitecture: String,
        architecture: Architecture,
        target: TargetType
    ) -> TemplateValue {
        let image = definition.image
        let source = definition.source
        let targets = definition.targets
        return .map([
            "image": texts([
                "distribution": image.distribution, "description": image.description.text, "release": image.release,
                "architecture": image.architecture.text, "variant": image.variant, "expiry": image.expiry.text,
                "serial": image.serial, "name": image.name.text, "architecture_mapped": mappedArchitecture,
                "architecture_kernel": architecture.rawValue, "architecture_personality": architecture.personality,
            ]),
            "source": texts([
                "downloader": source.downloader.rawValue, "url": source.url.text, "keyserver": source.keyserver,
                "variant": source.variant, "suite": source.suite, "same_as": source.sameAs,
            ]).adding([
                "keys": .list(source.keys.map { .text($0.text) }),
                "components": .list(source.components.map { .text($0.text) }),
                "skip_verification": .bool(source.skipVerification),
            ]),
            "targets": .map([
                "type": .text(target.rawValue),
                "lxc": texts(["create_message": targets.lxc.createMessage.text]),
                "incus": .map([
                    "vm": .map([
                        "size": .number(targets.incus.vmSize), "filesystem": .text(targets.incus.vmFilesystem),
                    ])
                ]),
                "lxd": .map([
                    "vm": .map([
                        "size": .number(targets.incus.vmSize), "filesystem": .text(targets.incus.vmFilesystem),
                    ])
                ]),
            ]),
            "packages": texts(["manager": definition.packages.manager?.rawValue ?? ""]).adding([
                "update": .bool(definition.packages.update), "cleanup": .bool(definition.packages.cleanup),
            ]),
            "mappings": texts(["architecture_map": definition.mappings.architectureMap?.rawValue ?? ""]).adding([
                "architectures": texts(definition.mappings.architectures)
            ]),
            "environment": .map(["clear_defaults": .bool(definition.environment.clearDefaults)]),
        ])
    }

    private static func texts(_ values: [String: String]) -> TemplateValue {
        .map(values.filter { !$0.value.isEmpty }.mapValues { .text($0) })
    }

    /// With more names, which win.
    func adding(_ more: [String: TemplateValue]) -> TemplateValue {
        guard case .map(let items) = self else { return self }
        return .map(items.merging(more) { $1 })
    }
}
