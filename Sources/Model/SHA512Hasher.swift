// SPDX-License-Identifier: Apache-2.0

import Crypto

/// SHA-512 over bytes that arrive piece by piece; only for lists of others, ours have SHA-256.
package struct SHA512Hasher: Sendable {
    private var state = SHA512()

    /// A hasher that has seen nothing.
    package init() {}

    /// Takes the next bytes.
    package mutating func update(_ data: RawSpan) {
        unsafe data.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    /// The digest of everything taken so far, in lower-case hex digits.
    package func finish() -> String { hexText(Array(state.finalize())) }
}
