// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A moment by the monotonic clock after which nothing is tried any more; the wall clock may jump.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(after allowance: Duration) { end = .now + allowance }

    /// Zero once the deadline has passed.
    var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: end)) }

    var hasPassed: Bool { remaining == .zero }
}

extension Duration {
    /// Whole milliseconds, at least 1 for anything above zero: libcurl takes 0 for "no limit".
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        let whole = min(Int(seconds), 1 << 30) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        return self > .zero ? max(1, whole) : 0
    }
}

/// Sleeps, looking every tenth of a second whether to stop.
///
/// - Returns: false if told to stop.
func pause(_ duration: Duration, unless shouldStop: (() -> Bool)?) -> Bool {
    let end = Deadline(after: duration)
    while !end.hasPassed {
        if let shouldStop, shouldStop() { return false }
        usleep(UInt32(min(100, end.remaining.milliseconds)) * 1000)
    }
    return true
}
