// SPDX-License-Identifier: Apache-2.0

package import Model

/// The text of a catalogue of what is built.
package enum BuildCatalogFile {
    private static let shared = ["architectures", "variants", "schedule", "labels", "retention"]
    /// Images of one group, and of a catalogue; more are a mistake, or meant to fill memory.
    private static let mostOfGroup = 4096
    private static let mostImages = 16384

    /// What a group has that says nothing itself.
    private struct Defaults {
        var architectures: [SourceText] = []
        var variants = [SourceText("default")]
        var schedule = BuildSchedule.standard
        var labels: [String] = []
        var retention = BuildRetention()
    }

    /// Reads a catalogue.
    ///
    /// - Parameter path: how errors name the file.
    /// - Throws: `DEFINITION` for the first thing that is wrong; the subject is `file:line:column`.
    package static func load(text: String, path: String) throws(RootcellarError) -> BuildCatalog {
        let root = try YAMLReader.read(text, file: path, what: "catalogue")
        let reader = try MappingReader(root, path: "", keys: ["defaults", "images"], whole: "catalogue")
        var defaults = Defaults()
        if let node = reader.node("defaults") {
            let section = try MappingReader(node, path: "defaults", keys: shared)
            defaults = try common(section, defaults)
        }
        var count = 0
        let groups = try reader.list("images") { node, path throws(RootcellarError) in
            let group = try Self.group(node, path, defaults)
            count += group.combinations.count
            guard count <= mostImages else { throw fault("more than \(mostImages) images", at: group.position) }
            return group
        }
        guard !groups.isEmpty else { throw fault("'images' is missing: nothing is built", at: reader.place("images")) }
        return BuildCatalog(groups: groups)
    }

    private static func group(
        _ node: YAMLNode,
        _ path: String,
        _ defaults: Defaults
    ) throws(RootcellarError) -> BuildCatalog.Group {
        let reader = try MappingReader(
            node,
            path: path,
            keys: ["definition", "releases", "options", "exclude"] + shared
        )
        let definition = try reader.text("definition")
        guard !definition.isEmpty else {
            throw fault(
                "'\(reader.name("definition"))' is missing: it names a definition",
                at: reader.place("definition")
            )
        }
        let common = try Self.common(reader, defaults)
        guard !common.architectures.isEmpty else {
            throw fault("'\(reader.name("architectures"))' is missing", at: reader.position)
        }
        var group = BuildCatalog.Group(
            position: reader.position,
            definition: definition,
            releases: try words(reader, "releases"),
            architectures: common.architectures,
            variants: common.variants,
            options: try options(reader),
            exclusions: [],
            schedule: common.schedule,
            labels: common.labels,
            retention: common.retention
        )
        let counts = [group.releases.count, group.architectures.count, group.variants.count]
        guard counts.allSatisfy({ $0 <= mostOfGroup }), counts.reduce(1, { $0 * max(1, $1) }) <= mostOfGroup else {
            throw fault("more than \(mostOfGroup) images of one definition", at: reader.position)
        }
        group.exclusions = try reader.list("exclude") { node, path throws(RootcellarError) in
            try exclusion(node, path, group)
        }
        guard !group.combinations.isEmpty else {
            throw fault("every image of it is excluded", at: reader.place("exclude"))
        }
        return group
    }

    private static func common(_ reader: MappingReader, _ defaults: Defaults) throws(RootcellarError) -> Defaults {
        var result = defaults
        if reader.node("architectures") != nil { result.architectures = try architectures(reader) }
        if reader.node("variants") != nil { result.variants = try words(reader, "variants") }
        if let node = reader.node("schedule") { result.schedule = try schedule(node, reader.name("schedule")) }
        if reader.node("labels") != nil { result.labels = try labels(reader) }
        if let node = reader.node("retention") { result.retention = try retention(node, reader.name("retention")) }
        return result
    }

    /// A list of words that are no two the same and none empty.
    private static func words(_ reader: MappingReader, _ key: String) throws(RootcellarError) -> [SourceText] {
        let words = try reader.texts(key)
        var seen: Set<String> = []
        for word in words {
            guard !trimmed(word.text).isEmpty else {
                throw fault("an empty name in '\(reader.name(key))'", at: word.position)
            }
            guard seen.insert(word.text).inserted else {
                throw fault("'\(word.text)' is there twice in '\(reader.name(key))'", at: word.position)
            }
        }
        guard !words.isEmpty || reader.node(key) == nil else {
            throw fault("'\(reader.name(key))' is empty", at: reader.place(key))
        }
        return words
    }

    private static func architectures(_ reader: MappingReader) throws(RootcellarError) -> [SourceText] {
        let names = try words(reader, "architectures")
        for name in names where Architecture(name: name.text) == nil {
            throw fault(
                "'\(name.text)' is not an architecture",
                at: name.position,
                hint: hint(for: name.text, among: Architecture.knownNames)
            )
        }
        return names
    }

    private static func labels(_ reader: MappingReader) throws(RootcellarError) -> [String] {
        let labels = try words(reader, "labels")
        for label in labels where !ImageName.isName(label.text) {
            throw fault(
                "'\(label.text)' is not a label",
                at: label.position,
                hint: "use 1 to 64 of a-z 0-9 . _ + -, beginning with a letter or digit"
            )
        }
        return labels.map(\.text)
    }

    private static func options(_ reader: MappingReader) throws(RootcellarError) -> [SourceText] {
        let options = try reader.texts("options")
        for option in options {
            do throws(RootcellarError) { _ = try DefinitionOverride(option.text) } catch {
                throw fault("'\(option.text)' is not an override", at: option.position, hint: "write key=value")
            }
        }
        return options
    }

    private static func exclusion(
        _ node: YAMLNode,
        _ path: String,
        _ group: BuildCatalog.Group
    ) throws(RootcellarError) -> BuildCatalog.Exclusion {
        let reader = try MappingReader(node, path: path, keys: ["releases", "architectures", "variants"])
        func names(_ key: String, of all: [SourceText]) throws(RootcellarError) -> [String] {
            let names = try words(reader, key)
            for name in names where !all.contains(where: { $0.text == name.text }) {
                throw fault(
                    "'\(name.text)' is not among the \(key) of this definition, nothing would be excluded",
                    at: name.position,
                    hint: hint(for: name.text, among: all.map(\.text))
                )
            }
            return names.map(\.text)
        }
        let result = BuildCatalog.Exclusion(
            releases: try names("releases", of: group.releases),
            architectures: try names("architectures", of: group.architectures),
            variants: try names("variants", of: group.variants)
        )
        guard !(result.releases.isEmpty && result.architectures.isEmpty && result.variants.isEmpty) else {
            throw fault("'\(path)' excludes everything", at: reader.position)
        }
        return result
    }

    private static func schedule(_ node: YAMLNode, _ path: String) throws(RootcellarError) -> BuildSchedule {
        let reader = try MappingReader(node, path: path, keys: ["every", "at"])
        let every = try reader.text("every")
        let at = try reader.text("at")
        guard !every.isEmpty || !at.isEmpty else {
            throw fault("'\(path)' says nothing", at: reader.position, hint: "write every: 12h, or at: 04:30")
        }
        var period = BuildSchedule.day
        if !every.isEmpty {
            guard let seconds = Expiry.seconds(every.text), BuildSchedule.periods.contains(seconds) else {
                throw fault(
                    "'\(reader.name("every"))' must be 1h to 366d, this is '\(every.text.prefix(40))'",
                    at: every.position
                )
            }
            period = seconds
        }
        if at.isEmpty { return BuildSchedule(period: period, timeOfDay: nil) }
        guard let time = timeOfDay(at.text) else {
            throw fault(
                "'\(reader.name("at"))' must be a time of day as in 04:30, this is '\(at.text.prefix(40))'",
                at: at.position
            )
        }
        guard period % BuildSchedule.day == 0 else {
            throw fault("with a time of day, '\(reader.name("every"))' must be whole days", at: every.position)
        }
        return BuildSchedule(period: period, timeOfDay: time)
    }

    /// Seconds after midnight of `HH:MM`.
    private static func timeOfDay(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"),
            [0, 1, 3, 4].allSatisfy({ (0x30...0x39).contains(bytes[$0]) })
        else { return nil }
        func number(_ at: Int) -> Int64 { Int64(bytes[at] - 0x30) * 10 + Int64(bytes[at + 1] - 0x30) }
        guard number(0) < 24, number(3) < 60 else { return nil }
        return number(0) * 3600 + number(3) * 60
    }

    private static func retention(_ node: YAMLNode, _ path: String) throws(RootcellarError) -> BuildRetention {
        let reader = try MappingReader(node, path: path, keys: ["keep", "days"])
        func number(_ key: String) throws(RootcellarError) -> Int? {
            guard let value = try reader.unsigned(key) else { return nil }
            guard (1...100_000).contains(value) else {
                throw fault("'\(reader.name(key))' must be 1 to 100000, this is \(value)", at: reader.place(key))
            }
            return Int(value)
        }
        return BuildRetention(count: try number("keep"), days: try number("days"))
    }
}
