// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What has happened since the server was started.
final class Counters: Sendable {
    /// The figures of one moment.
    struct Figures: Equatable {
        /// Responses by the first digit of their status, from 1 to 5.
        var responses = [0, 0, 0, 0, 0]
        /// Bytes of response bodies.
        var bytes: Int64 = 0
        /// Connections that were let in.
        var connections = 0
        /// Connections that were refused because their address had too many.
        var refusedConnections = 0
    }

    private let state = Mutex(Figures())

    var figures: Figures { state.withLock { $0 } }

    func count(status: Int, bytes: Int64) {
        state.withLock { state in
            if (1...5).contains(status / 100) { state.responses[status / 100 - 1] += 1 }
            state.bytes += bytes
        }
    }

    func countConnection(isRefused: Bool) {
        state.withLock { state in
            if isRefused { state.refusedConnections += 1 } else { state.connections += 1 }
        }
    }
}
