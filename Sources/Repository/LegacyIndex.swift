// SPDX-License-Identifier: Apache-2.0

import Model

/// The index that stock LXC clients read: one line for the newest build of each image, sorted, every line ended by a
/// line feed, six fields, nothing else; an index of no image is an empty file.
struct LegacyIndex: Equatable {
    private(set) var bytes: [UInt8]

    /// File names of identical content: both modes, and a copy for each compatibility level that our images support,
    /// so that no client has to ask three times for a file that is not there.
    static let names = ["index-system", "index-user"].flatMap { mode in ["", ".5", ".6", ".7"].map { mode + $0 } }

    /// The most bytes of an index that we read back.
    static let limit = 64 << 20

    /// The index of these builds.
    init(_ newest: [(name: ImageName, serial: Serial)]) {
        bytes = Self.joined(newest.map { Self.row($0.name, $0.serial) })
    }

    /// An index made before, with all lines of some distributions replaced. They stand together, because they are sorted.
    init(_ old: [UInt8], replacing distributions: Set<String>, by newest: [(name: ImageName, serial: Serial)]) {
        bytes = old
        for distribution in distributions {
            let rows = newest.filter { $0.name.distribution == distribution }.map { Self.row($0.name, $0.serial) }
            bytes.replaceSubrange(Self.lines(of: distribution, in: bytes), with: Self.joined(rows))
        }
    }

    /// Where a distribution's lines are, or would be.
    private static func lines(of distribution: String, in bytes: [UInt8]) -> Range<Int> {
        let prefix = Array("\(distribution);".utf8)
        var (start, end) = (0, 0)
        while end < bytes.count {
            let line = bytes[end...]
            if line.starts(with: prefix) {
                end = (line.firstIndex(of: 0x0A) ?? bytes.count - 1) + 1
            } else {
                guard end == start, line.prefix(prefix.count).lexicographicallyPrecedes(prefix) else { break }
                end = (line.firstIndex(of: 0x0A) ?? bytes.count - 1) + 1
                start = end
            }
        }
        return start..<end
    }

    /// The current build of each image in a shard.
    static func newest(
        _ shard: IndexShard,
        revoked: Set<SHA256Digest>,
        subject: String
    ) throws(RootcellarError) -> [(name: ImageName, serial: Serial)] {
        var result: [(name: ImageName, serial: Serial)] = []
        for (image, entry) in zip(shard.images, try shard.catalogue(subject: subject)) {
            guard let build = image.current(revoked: revoked) else { continue }
            result.append((entry.name, build.serial))
        }
        return result
    }

    private static func row(_ name: ImageName, _ serial: Serial) -> ArraySlice<UInt8> {
        let fields = [
            name.distribution, name.release, name.architecture, name.variant, serial.description,
            "/\(TreePath.build(name, serial))/",
        ]
        return Array(fields.joined(separator: ";").utf8)[...]
    }

    private static func joined(_ rows: [ArraySlice<UInt8>]) -> [UInt8] {
        let sorted = rows.sorted { $0.lexicographicallyPrecedes($1) }
        return sorted.reduce(into: []) {
            $0 += $1; $0.append(0x0A)
        }
    }
}
