// SPDX-License-Identifier: Apache-2.0

import Crypto

/// A SHA-256 value; 64 lower-case hex digits as text.
package struct SHA256Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The 32 bytes, first byte first.
    package let bytes: [UInt8]

    /// Reads exactly 64 lower-case hex digits; nil for anything else.
    package init?(hex: String) {
        guard hex.utf8.count == 64, let bytes = bytesFromHex(hex, upperCase: false) else { return nil }
        self.bytes = bytes
    }

    /// The digest of `data`.
    package init(hashing data: RawSpan) {
        var hasher = SHA256Hasher()
        hasher.update(data)
        self = hasher.finish()
    }

    /// The digest of `data`.
    package init(hashing data: [UInt8]) { unsafe self.init(hashing: data.span.bytes) }

    fileprivate init(raw: [UInt8]) { bytes = raw }

    package var description: String { hexText(bytes) }

    package static func < (left: SHA256Digest, right: SHA256Digest) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension SHA256Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = SHA256Digest(hex: text) else {
            throw DocumentFieldError(what: "not a SHA-256 in lower-case hex", value: text)
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// SHA-256 over bytes that arrive piece by piece.
package struct SHA256Hasher: Sendable {
    private var state = SHA256()

    /// A hasher that has seen nothing.
    package init() {}

    /// Takes the next bytes.
    package mutating func update(_ data: RawSpan) {
        unsafe data.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    /// The digest of everything taken so far; the hasher can go on.
    package func finish() -> SHA256Digest { SHA256Digest(raw: Array(state.finalize())) }
}
