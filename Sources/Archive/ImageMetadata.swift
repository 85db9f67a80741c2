// SPDX-License-Identifier: Apache-2.0

package import Model

/// What an image's metadata archive says, read by a fixed list of names and checked one by one. Nothing of it is ever
/// put on the disk or into a configuration as it came.
package struct ImageMetadata: Sendable, Equatable {
    /// The configuration that applies in this mode.
    package var configuration: ImageConfiguration
    /// Files of the rootfs in which tokens are replaced, as paths below its root.
    package var templates: [String]
    /// What the user is told after the creation; printable.
    package var message: String

    /// The compatibility level that today's stock templates ask for.
    package static let level = 7
    private static let names = ["config", "create-message", "excludes", "expiry", "fstab", "templates", "build_id"]
    /// The most bytes of one member.
    package static let memberLimit = 256 << 10
    /// Every name that a member may have which is read.
    package static let memberNames = names.flatMap { name in
        ["", "-user"].flatMap { mode in ["", ".\(level)"].map { "\(name)\(mode)\($0)" } }
    }

    /// Reads the members of an archive, by the rules for choosing between `NAME`, `NAME-user` and their levels.
    ///
    /// - Throws: `META`.
    package init(archive: [UInt8], userMode: Bool) throws(RootcellarError) {
        var members: [String: [UInt8]] = [:]
        var limits = TarLimits()
        limits.entries = 64
        limits.contentBytes = 4 << 20
        do throws(RootcellarError) {
            let reader = TarReader(bytes: archive, limits: limits)
            while let entry = try reader.next() {
                if entry.path.isEmpty, entry.kind == .directory { continue }
                let name = String(decoding: entry.path, as: UTF8.self)
                guard entry.kind == .file, entry.attributes.isEmpty, entry.size <= Self.memberLimit,
                    Self.isKnown(name), members[name] == nil
                else {
                    throw RootcellarError(.meta, "a member that no image's metadata may have", subject: "'\(name)'")
                }
                var content: [UInt8] = []
                try reader.readContent { bytes throws(RootcellarError) in
                    unsafe bytes.withUnsafeBytes { unsafe content.append(contentsOf: $0) }
                }
                members[name] = content
            }
        } catch {
            throw RootcellarError(.meta, "the metadata archive is refused: \(error.reason)", subject: error.subject)
        }
        try self.init(members: members, userMode: userMode)
    }

    /// Takes members by their names.
    ///
    /// - Throws: `META`.
    package init(members: [String: [UInt8]], userMode: Bool) throws(RootcellarError) {
        func chosen(_ name: String) -> [UInt8]? {
            var candidate = name
            if userMode, members["\(name)-user"] != nil { candidate = "\(name)-user" }
            return members["\(candidate).\(Self.level)"] ?? members[candidate]
        }
        guard let configuration = chosen("config") else {
            throw RootcellarError(.meta, "the metadata has no configuration", subject: "config")
        }
        guard chosen("fstab") == nil else {
            throw RootcellarError(
                .meta,
                "the metadata has mounts of its own, which images may not have",
                subject: "fstab"
            )
        }
        self.configuration = try ImageConfiguration(configuration)
        templates = try Self.lines(chosen("templates") ?? [], "templates")
        message = Self.message(chosen("create-message") ?? [])
        // Device nodes are never unpacked, so the list of them is read only to refuse nonsense.
        _ = try Self.lines(chosen("excludes") ?? [], "excludes")
    }

    /// What stands in for metadata where there is none: a configuration alone.
    package init(configuration: ImageConfiguration) {
        self.configuration = configuration
        templates = []
        message = ""
    }

    private static func isKnown(_ name: String) -> Bool {
        var base = name
        if let dot = name.lastIndex(of: "."), Int(name[name.index(after: dot)...]) != nil {
            base = String(name[..<dot])
        }
        if base.hasSuffix("-user") { base.removeLast(5) }
        return names.contains(base)
    }

    /// Non-empty lines of printable text without blanks at their ends.
    private static func lines(_ bytes: [UInt8], _ what: String) throws(RootcellarError) -> [String] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RootcellarError(.meta, "not UTF-8", subject: what)
        }
        var lines: [String] = []
        for line in text.split(separator: "\n") {
            guard line.utf8.count <= 4096, !line.unicodeScalars.contains(where: isUnprintable), lines.count < 256 else {
                throw RootcellarError(.meta, "a line that is too long or not printable", subject: what)
            }
            lines.append(String(line))
        }
        return lines
    }

    /// At most 4 KiB and 100 lines, each indented so that it cannot pass for a line of ours.
    private static func message(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).prefix(100)
            .map { line in
                let kept = String(
                    String.UnicodeScalarView(line.unicodeScalars.filter { $0 == "\t" || !isUnprintable($0) })
                )
                return kept.isEmpty ? "" : "  " + kept
            }
            .joined(separator: "\n")
    }
}
