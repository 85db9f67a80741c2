// SPDX-License-Identifier: Apache-2.0

package import Model

extension Publisher {
    /// Lets a channel of an image point to a build: nothing is copied.
    ///
    /// - Parameters:
    ///   - serial: the build; nil for the one that `source` points to.
    ///   - source: another channel; nil for the newest build.
    /// - Throws: `POLICY` for a name that is none, a build that is not there or was taken back, or one that the channel
    ///   points to already.
    package func promote(
        _ name: ImageName,
        _ serial: Serial? = nil,
        from source: String? = nil,
        to channel: String
    ) throws(RootcellarError) -> PublishReport {
        let channel = try ImageName.part("channel", channel)
        return try perform { tree throws(RootcellarError) in
            guard var shard = try tree.shard(name.distribution), let at = shard.position(of: name) else {
                throw RootcellarError(.policy, "no such image in this tree", subject: name.path)
            }
            let image = shard.images[at]
            let revoked = Set(tree.manifest.revoked.map(\.image))
            let good = image.builds.filter { !revoked.contains($0.image.sha256) }
            let wanted: IndexShard.Build?
            if let serial {
                wanted = good.first { $0.serial == serial }
            } else if let source {
                wanted = image.current(channel: source, revoked: revoked)
            } else {
                wanted = good.last
            }
            guard let wanted else {
                throw RootcellarError(
                    .policy,
                    serial != nil ? "no such good build of \(name.path)" : "channel '\(source ?? "")' has no build",
                    subject: serial?.description ?? name.path,
                    hint: "there are: \(good.map(\.serial.description).joined(separator: ", "))"
                )
            }
            guard image.steps(of: channel).last?.serial != wanted.serial else {
                throw RootcellarError(
                    .policy,
                    "channel '\(channel)' points to this build already",
                    subject: "\(name.path) \(wanted.serial)"
                )
            }
            shard.images[at].point(channel, to: wanted.serial, since: max(now, tree.manifest.signedAt))
            return Publication.Changes(shards: [shard])
        }
    }
}
