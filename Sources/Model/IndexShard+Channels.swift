// SPDX-License-Identifier: Apache-2.0

extension IndexShard {
    /// A name that points to one build of an image, and what it pointed to before.
    package struct Channel: Codable, Sendable, Hashable {
        package var name: String
        /// What it has pointed to, oldest first; the last one counts.
        package var steps: [Step]

        /// A channel of an index.
        package init(name: String, steps: [Step]) {
            self.name = name
            self.steps = steps
        }

        /// One build that a channel pointed to.
        package struct Step: Codable, Sendable, Hashable {
            package var serial: Serial
            /// From when on.
            package var since: Timestamp

            /// A step of a channel.
            package init(serial: Serial, since: Timestamp) {
                self.serial = serial
                self.since = since
            }
        }
    }
}

extension IndexShard.Image {
    /// The channel that counts where nobody asks for another: an image that has it shows no newer builds.
    package static let usualChannel = "stable"

    /// The build that is current, or was at some time, in a channel.
    ///
    /// A build that was taken back never is, nor is one that was pruned: then it is the one before.
    ///
    /// - Parameters:
    ///   - channel: nil for the usual one if the image has it, else for the newest build.
    ///   - time: nil for now.
    ///   - revoked: the hashes of image documents of builds that were taken back.
    package func current(
        channel: String? = nil,
        asOf time: Timestamp? = nil,
        revoked: Set<SHA256Digest>
    ) -> IndexShard.Build? {
        let good = builds.filter { !revoked.contains($0.image.sha256) }
        let steps = steps(of: channel ?? Self.usualChannel)
        if channel != nil || !steps.isEmpty {
            for step in steps.reversed() where time.map({ step.since <= $0 }) ?? true {
                if let build = good.last(where: { $0.serial == step.serial }) { return build }
            }
            return nil
        }
        return good.last { build in time.map { (build.published ?? build.serial.time) <= $0 } ?? true }
    }

    /// What a channel has pointed to, oldest first; nothing if there is no such channel.
    package func steps(of channel: String) -> [IndexShard.Channel.Step] {
        channels?.first { $0.name == channel }?.steps ?? []
    }

    /// The builds that readers who know no channels are shown, oldest first.
    package func shown(revoked: Set<SHA256Digest>) -> [IndexShard.Build] {
        guard let current = current(revoked: revoked) else { return [] }
        return builds.filter { !revoked.contains($0.image.sha256) && $0.serial <= current.serial }
    }

    /// Lets a channel point to a build.
    package mutating func point(_ channel: String, to serial: Serial, since: Timestamp) {
        let step = IndexShard.Channel.Step(serial: serial, since: since)
        var all = channels ?? []
        if let at = all.firstIndex(where: { $0.name == channel }) {
            all[at].steps.append(step)
        } else {
            all.append(IndexShard.Channel(name: channel, steps: [step]))
            all.sort { $0.name < $1.name }
        }
        channels = all
    }

    /// Forgets what channels pointed to that is no build any more.
    package mutating func dropLostSteps() {
        let serials = Set(builds.map(\.serial))
        channels = channels?.map { channel in
            IndexShard.Channel(name: channel.name, steps: channel.steps.filter { serials.contains($0.serial) })
        }
    }
}
