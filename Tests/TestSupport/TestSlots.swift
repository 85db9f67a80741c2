// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many test cases run at once. Swift Testing begins all of them together: with hundreds of servers and programs on
/// two processors each would take minutes, and those that watch a clock would fail.
enum TestSlots {
    private struct State {
        var free = 8
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private static let state = Mutex(State())

    /// Runs a test case when there is a place for it.
    static func run(_ body: () async throws -> Void) async throws {
        await take()
        defer { give() }
        try await body()
    }

    private static func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private static func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
