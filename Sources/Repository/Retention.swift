// SPDX-License-Identifier: Apache-2.0

package import Model

/// Which builds of an image stay in the catalogue.
///
/// Where both limits are given, a build goes only if it is beyond both.
package struct Retention: Sendable, Hashable {
    /// How many good builds of each image stay, the newest ones.
    package var count: Int?
    /// Builds older than this many days go.
    package var days: Int?

    /// Limits; without any, every build stays.
    ///
    /// - Throws: `USAGE` for a number that is not positive.
    package init(count: Int? = nil, days: Int? = nil) throws(RootcellarError) {
        for number in [count, days].compactMap({ $0 }) where !(1...100_000).contains(number) {
            throw RootcellarError(.usage, "the number of builds or days to keep is at least 1", subject: "\(number)")
        }
        self.count = count
        self.days = days
    }

    /// The builds that go. The newest stays, so that serials go on from there, and so does the newest that was not taken
    /// back, however old it is.
    ///
    /// - Parameters:
    ///   - builds: of one image, oldest first.
    ///   - channels: of that image. What they point to stays.
    ///   - revoked: the hashes of image documents of builds that were taken back. They do not count as good ones.
    func outdated(
        _ builds: [IndexShard.Build],
        channels: [IndexShard.Channel] = [],
        revoked: Set<SHA256Digest>,
        now: Timestamp
    ) -> [IndexShard.Build] {
        guard count != nil || days != nil else { return [] }
        let pinned = Set(channels.compactMap(\.steps.last?.serial))
        var good = 0
        var gone: [IndexShard.Build] = []
        for (position, build) in builds.reversed().enumerated() {
            let isGood = !revoked.contains(build.image.sha256)
            if isGood { good += 1 }
            if position == 0 || (isGood && good == 1) || (isGood && pinned.contains(build.serial)) { continue }
            let isBeyondCount = count.map { !isGood || good > $0 } ?? true
            let isBeyondDays = days.map { build.serial.time.adding(seconds: Int64($0) * 86400) < now } ?? true
            if isBeyondCount && isBeyondDays { gone.append(build) }
        }
        return gone.reversed()
    }
}
