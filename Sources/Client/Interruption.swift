// SPDX-License-Identifier: Apache-2.0

import Glibc
import Model
import Synchronization

/// Whether somebody has asked this process to end: everything long looks here, stops, and cleans up behind itself.
package enum Interruption {
    private static let caught = Atomic<Int32>(0)
    /// When the first one came, in milliseconds of the monotonic clock.
    private static let began = Atomic<Int64>(0)
    /// timeout(1) signals a process and then the group that it is in: what comes within this time is the same wish.
    private static let sameWish: Int64 = 500

    /// The signal that came; nil if none did.
    package static var signal: Int32? {
        let number = caught.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Whether one came.
    package static var isRequested: Bool { signal != nil }

    /// - Throws: `TRANSPORT` if one came; the exit status says which.
    static func check() throws(RootcellarError) {
        if isRequested { throw RootcellarError(.transport, "interrupted") }
    }

    /// Lets SIGINT, SIGTERM and SIGHUP end what is under way tidily; a second one ends the process at once. A signal
    /// that the caller had ignored (as nohup does) stays ignored.
    package static func catchSignals() {
        // Made before a handler needs them: a handler must not be the first to touch a global.
        _ = (isRequested, began.load(ordering: .relaxed), sameWish)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let before = Glibc.signal(number) { number in
                // Of the calls that a handler may make (signal-safety(7)).
                var time = timespec()
                unsafe clock_gettime(CLOCK_MONOTONIC, &time)
                let now = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
                let (_, first) = Interruption.began.compareExchange(expected: 0, desired: now, ordering: .relaxed)
                let (isFirst, _) = Interruption.caught.compareExchange(expected: 0, desired: number, ordering: .relaxed)
                if !isFirst, now - first > Interruption.sameWish { _exit(128 + number) }
            }
            if before.map({ unsafe unsafeBitCast($0, to: Int.self) }) == 1 {
                _ = Glibc.signal(number, SIG_IGN)
            }
        }
    }
}
