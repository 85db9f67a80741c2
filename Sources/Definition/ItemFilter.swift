// SPDX-License-Identifier: Apache-2.0

/// The four filters any item of a list may carry. An item applies when every list that is not empty matches; names are
/// compared as exact text, without patterns or negation.
package struct ItemFilter: Hashable, Sendable {
    /// Compared with `image.release`.
    package var releases: [String]
    /// Compared with `image.architecture_mapped`.
    package var architectures: [String]
    /// Compared with `image.variant`, never with `source.variant`.
    package var variants: [String]
    /// Compared with what is being built, and with what the place accepts.
    package var types: [TargetType]

    /// A filter; without arguments one that asks for nothing.
    package init(
        releases: [String] = [],
        architectures: [String] = [],
        variants: [String] = [],
        types: [TargetType] = []
    ) {
        self.releases = releases
        self.architectures = architectures
        self.variants = variants
        self.types = types
    }

    /// Whether an item with this filter is used in `context`.
    package func applies(to context: FilterContext) -> Bool {
        func matches(_ list: [String], _ value: String) -> Bool { list.isEmpty || list.contains(value) }
        return matches(releases, context.release) && matches(architectures, context.architecture)
            && matches(variants, context.variant) && accepts(context)
    }

    /// The rule for `types`: an item without types needs a place that accepts untyped ones; an item that lists both types
    /// a place that accepts both or one of the two; an item with one type a place that accepts it.
    private func accepts(_ context: FilterContext) -> Bool {
        let accepted = context.accepted
        if types.isEmpty { return accepted.contains(.untyped) }
        if accepted.contains(.both), types.count == 2, types.contains(context.target) { return true }
        if accepted.contains(.container), types.contains(.container) { return true }
        return accepted.contains(.vm) && types.contains(.vm)
    }
}

/// What the filters of items are compared with.
package struct FilterContext: Hashable, Sendable {
    /// `image.release`.
    package var release: String
    /// `image.architecture_mapped`.
    package var architecture: String
    /// `image.variant`.
    package var variant: String
    /// What is being built.
    package var target: TargetType
    /// Which `types` the place takes.
    package var accepted: AcceptedTypes

    /// A context.
    package init(release: String, architecture: String, variant: String, target: TargetType, accepted: AcceptedTypes) {
        self.release = release
        self.architecture = architecture
        self.variant = variant
        self.target = target
        self.accepted = accepted
    }
}

/// Which items a place takes, by their `types`.
package struct AcceptedTypes: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Items without types.
    package static let untyped = AcceptedTypes(rawValue: 1)
    /// Items that list both types.
    package static let both = AcceptedTypes(rawValue: 2)
    /// Items that list `container`.
    package static let container = AcceptedTypes(rawValue: 4)
    /// Items that list `vm`.
    package static let vm = AcceptedTypes(rawValue: 8)

    /// The set that holds `type` alone.
    package static func only(_ type: TargetType) -> AcceptedTypes { type == .vm ? .vm : .container }
}
