// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// What a tree holds of an image.
package struct PublishedImage: Sendable {
    /// The newest build that was not taken back.
    package var current: ImageDocument?
    /// The newest serial of all: the next build's has to be higher.
    package var latest: Serial
}

/// What a tree holds, for whoever decides what is to be built next. Needs no keys: everything is verified by the keys of
/// the tree's own root document, which shows damage, and not who its publisher is.
package struct PublishedImages {
    private let tree: CurrentTree

    /// Reads the signed documents of a tree.
    ///
    /// - Throws: `REPOSITORY` if there is none, and whatever is wrong with it.
    package init(tree: FilePath, now: Timestamp) throws(RootcellarError) {
        self.tree = try CurrentTree(TreeLayout(top: tree), keys: nil, roles: [], now: now)
    }

    /// Those of the images that the tree has. Only their shards and documents are read.
    package func find(_ names: [ImageName]) throws(RootcellarError) -> [ImageName: PublishedImage] {
        let revoked = Set(tree.manifest.revoked.map(\.image))
        var found: [ImageName: PublishedImage] = [:]
        for (distribution, names) in Dictionary(grouping: Set(names), by: \.distribution) {
            guard let shard = try tree.shard(distribution) else { continue }
            for name in names {
                guard let at = shard.position(of: name), let latest = shard.images[at].builds.last else { continue }
                let good = shard.images[at].builds.last { !revoked.contains($0.image.sha256) }
                found[name] = PublishedImage(
                    current: try good.map { build throws(RootcellarError) in
                        try Streams.document(name, build, tree.layout)
                    },
                    latest: latest.serial
                )
            }
        }
        return found
    }
}
