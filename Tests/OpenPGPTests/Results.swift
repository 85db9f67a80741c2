// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What threads of a test found out.
final class Results: Sendable {
    private let values = Mutex<[Int: String]>([:])
    func set(_ number: Int, _ value: String) { values.withLock { $0[number] = value } }
    func get(_ number: Int) -> String? { values.withLock { $0[number] } }
}
