// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets each client ask so many times in a second, and a little more at once: a bucket of tokens for each, which fills at
/// the rate and holds what comes in ten seconds.
final class RateLimiter: Sendable {
    private struct Bucket {
        var level: Double
        var filled: ContinuousClock.Instant
    }

    /// The most clients that are remembered.
    static let most = 65_536

    private let rate: Double
    private let capacity: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameter rate: requests in a second, more than zero.
    init(rate: Double) {
        self.rate = rate
        capacity = max(1, rate * 10)
    }

    /// Takes one request of a client.
    ///
    /// - Returns: nil if it may go on, else the whole seconds after which it may.
    func admit(_ client: String, now: ContinuousClock.Instant = .now) -> Int? {
        buckets.withLock { buckets in
            var bucket = buckets[client] ?? Bucket(level: capacity, filled: now)
            bucket.level = level(bucket, now)
            bucket.filled = max(bucket.filled, now)
            let isAdmitted = bucket.level >= 1
            if isAdmitted { bucket.level -= 1 }
            if buckets[client] == nil, buckets.count >= Self.most { makeRoom(&buckets, now) }
            buckets[client] = bucket
            return isAdmitted ? nil : max(1, Int(((1 - bucket.level) / rate).rounded(.up)))
        }
    }

    /// How many clients are remembered.
    var count: Int { buckets.withLock { $0.count } }

    private func level(_ bucket: Bucket, _ now: ContinuousClock.Instant) -> Double {
        min(capacity, bucket.level + max(0, (now - bucket.filled) / .seconds(1)) * rate)
    }

    /// Forgets the clients that have not asked for long: a full bucket is as good as none. Where all are busy, half of
    /// them begin anew.
    private func makeRoom(_ buckets: inout [String: Bucket], _ now: ContinuousClock.Instant) {
        buckets = buckets.filter { level($0.value, now) < capacity }
        guard buckets.count >= Self.most / 2 else { return }
        for key in buckets.keys.prefix(buckets.count - Self.most / 2) { buckets[key] = nil }
    }
}
