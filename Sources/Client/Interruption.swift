// SPDX-License-Identifier: Apache-2.0

import Glibc
import Model
import Synchronization

/// Whether somebody has asked this process to end: everything long looks here, stops, and cleans up behind itself.
package enum Interruption {
    private static let caught = Atomic<Int32>(0)

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
        // Made before a handler needs it: a handler must not be the first to touch a global.
        _ = isRequested
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let before = Glibc.signal(number) { number in
                let (isFirst, _) = Interruption.caught.compareExchange(expected: 0, desired: number, ordering: .relaxed)
                if !isFirst { _exit(128 + number) }
            }
            if before.map({ unsafe unsafeBitCast($0, to: Int.self) }) == 1 {
                _ = Glibc.signal(number, SIG_IGN)
            }
        }
    }
}
