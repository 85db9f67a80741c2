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
    }

    /// How many packages are concerned.
    package var count: Int { added.count + removed.count + changed.count }

    /// Compares two lists, each in the order of an image document or any other.
    ///
    /// What stands several times under one name and architecture, as kernels of RPM systems do, is compared version by
    /// version: none of them is an upgrade of another.
    package init(from old: [ImageDocument.Package], to new: [ImageDocument.Package]) {
        let before = Dictionary(grouping: old, by: Key.init)
        let after = Dictionary(grouping: new, by: Key.init)
        for (key, packages) in after {
            let others = before[key] ?? []
            if let package = packages.first, let other = others.first, packages.count == 1, others.count == 1 {
                guard package.version != other.version else { continue }
                changed.append(
                    Change(
                        name: key.name,
                        architecture: key.architecture,
                        from: other.version,
                        to: package.version
                    )
                )
                continue
            }
            added += packages.filter { package in !others.contains { $0.version == package.version } }
            removed += others.filter { other in !packages.contains { $0.version == other.version } }
        }
        for (key, packages) in before where after[key] == nil { removed += packages }
        added.sort { ($0.name, $0.architecture, $0.version) < ($1.name, $1.architecture, $1.version) }
        removed.sort { ($0.name, $0.architecture, $0.version) < ($1.name, $1.architecture, $1.version) }
        changed.sort { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
    }

    private struct Key: Hashable {
        var name: String
        var architecture: String

        init(_ package: ImageDocument.Package) {
            name = package.name
            architecture = package.architecture
        }
    }
}
