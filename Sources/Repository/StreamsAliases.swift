// SPDX-License-Identifier: Apache-2.0

import Model

/// The names by which people ask LXD and Incus for images.
enum StreamsAliases {
    /// The aliases of all images of a distribution: the full name, then short ones as far as no other image of the same
    /// architecture is called so. A release `current` and a variant `default` need not be said.
    static func all(_ names: [ImageName]) -> [ImageName: [String]] {
        var result: [ImageName: [String]] = [:]
        var taken: Set<String> = []
        func claim(_ alias: String, _ name: ImageName) {
            if taken.insert("\(name.architecture) \(alias)").inserted { result[name, default: []].append(alias) }
        }
        // Two architectures may share an alias, two images of one may not. Longer names first: they are never in doubt.
        for name in names { claim("\(name.distribution)/\(name.release)/\(name.variant)", name) }
        for name in names where name.variant == "default" { claim("\(name.distribution)/\(name.release)", name) }
        for name in names where name.release == "current" {
            claim("\(name.distribution)/\(name.variant)", name)
            if name.variant == "default" { claim(name.distribution, name) }
        }
        return result
    }
}
