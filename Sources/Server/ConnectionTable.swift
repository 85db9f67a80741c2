// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The open connections: how many each address has, and how to end them all.
final class ConnectionTable: Sendable {
    private struct State {
        var next: UInt64 = 0
        var abort: [UInt64: @Sendable () -> Void] = [:]
        var perAddress: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let perAddressLimit: Int
    private let proxies: Set<String>
    private let counters: Counters

    /// - Parameter proxies: addresses that stand for many clients, so that the limit is not for them.
    init(perAddressLimit: Int, proxies: Set<String> = [], counters: Counters = Counters()) {
        self.perAddressLimit = perAddressLimit
        self.proxies = proxies
        self.counters = counters
    }

    /// The number of open connections.
    var count: Int { state.withLock { $0.abort.count } }

    /// Enters a connection; nil if its address has too many already.
    func enter(_ address: String, abort: @escaping @Sendable () -> Void) -> UInt64? {
        let number: UInt64? = state.withLock { state in
            guard state.perAddress[address, default: 0] < perAddressLimit || proxies.contains(address) else {
                return nil
            }
            state.perAddress[address, default: 0] += 1
            state.next += 1
            state.abort[state.next] = abort
            return state.next
        }
        counters.countConnection(isRefused: number == nil)
        return number
    }

    /// Forgets a connection that has ended.
    func leave(_ address: String, _ number: UInt64) {
        state.withLock { state in
            guard state.abort.removeValue(forKey: number) != nil, let count = state.perAddress[address] else { return }
            state.perAddress[address] = count > 1 ? count - 1 : nil
        }
    }

    /// Ends every connection at once, whatever it is doing.
    func abortAll() {
        let all = state.withLock { Array($0.abort.values) }
        for abort in all { abort() }
    }
}
