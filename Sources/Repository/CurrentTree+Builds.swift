// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

extension CurrentTree {
    /// The builds of an image that were not taken back, oldest first.
    func goodBuilds(_ name: ImageName) throws(RootcellarError) -> [IndexShard.Build] {
        guard let shard = try shard(name.distribution), let at = shard.position(of: name) else { return [] }
        let revoked = Set(manifest.revoked.map(\.image))
        return shard.images[at].builds.filter { !revoked.contains($0.image.sha256) }
    }

    /// - Throws: `POLICY` for a build that is not newer than the newest published one, or the same.
    func refuse(_ source: ImageSource) throws(RootcellarError) {
        let subject = source.directory.string
        guard let shard = try shard(source.name.distribution), let at = shard.position(of: source.name),
            let newest = shard.images[at].builds.last
        else { return }
        guard newest.serial < source.document.serial else {
            throw RootcellarError(
                .policy,
                "serial \(source.document.serial) is not newer than \(newest.serial), which is published",
                subject: subject,
                hint: "build it again"
            )
        }
        guard !source.isSame(as: try Streams.document(source.name, newest, layout)) else {
            throw RootcellarError(
                .policy,
                "the build has the same content as \(newest.serial), which is published",
                subject: subject,
                hint: "there is nothing to do"
            )
        }
    }
}
