// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many files are being sent, and so how much of each may be in memory: more at a time is faster, and a thousand
/// clients shall not cost a hundred times what ten do.
final class BodyTraffic: Sendable {
    private let bodies = Atomic(0)

    func begin() { bodies.add(1, ordering: .relaxed) }
    func end() { bodies.subtract(1, ordering: .relaxed) }

    /// Bytes that are read and written at a time: whole records of TLS and frames of HTTP/2, which both have 16 KiB, and one
    /// less than a power of two, so that with what encryption adds they fit into a buffer of that power.
    var chunk: Int64 {
        switch bodies.load(ordering: .relaxed) {
        case ...64: 15 << 14
        case ...256: 7 << 14
        default: 3 << 14
        }
    }
}
