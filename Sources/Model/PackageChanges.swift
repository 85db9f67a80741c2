// SPDX-License-Identifier: Apache-2.0

/// What is different in the packages of one build from those of another.
package struct PackageChanges: Codable, Sendable, Hashable {
    /// Packages that only the newer build has.
    package var added: [ImageDocument.Package] = []
    /// Packages that only the older build has.
    package var removed: [ImageDocument.Package] = []
    /// Packages of both in different versions.
    package var changed: [Change] = []

    /// One package in another version.
    package struct Change: Codable, Sendable, Hashable {
        package var name: String
        package var architecture: String
        package var from: String
        package var to: String

        /// Whether the newer build has the older version, by Debian's order.
        package var isDowngrade: Bool { DebianVersion(to) < DebianVersion(from) }
    }

    /// How many packages are concerned.
    package var count: Int { added.count + removed.count + changed.count }

    /// Compares two lists, each in the order of an image document or any other.
    ///
    /// What stands several times under one name and architecture, as kernels of RPM systems do, is compared without the versions
    /// that both lists have.
    package init(from old: [ImageDocument.Package], to new: [ImageDocument.Package]) {
        let before = Dictionary(grouping: old, by: Key.init)
        let after = Dictionary(grouping: new, by: Key.init)
        for key in Set(before.keys).union(after.keys).sorted() {
            var gone = Self.rest(before[key] ?? [], without: after[key] ?? [])
            var come = Self.rest(after[key] ?? [], without: before[key] ?? [])
            while let one = gone.last, let other = come.last {
                gone.removeLast()
                come.removeLast()
                changed.append(
                    Change(name: key.name, architecture: key.architecture, from: one.version, to: other.version)
                )
            }
            added += come
            removed += gone
        }
    }

    /// Packages of versions that `others` do not have, oldest first.
    private static func rest(
        _ packages: [ImageDocument.Package],
        without others: [ImageDocument.Package]
    ) -> [ImageDocument.Package] {
        packages.filter { package in !others.contains { $0.version == package.version } }
            .sorted { DebianVersion($0.version) < DebianVersion($1.version) }
    }

    private struct Key: Hashable, Comparable {
        var name: String
        var architecture: String

        init(_ package: ImageDocument.Package) {
            name = package.name
            architecture = package.architecture
        }

        static func < (left: Key, right: Key) -> Bool {
            (left.name, left.architecture) < (right.name, right.architecture)
        }
    }
}
