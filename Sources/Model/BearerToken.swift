// SPDX-License-Identifier: Apache-2.0

/// A secret by which a server knows a client (RFC 6750). It stands in a header and in a file that only its owner may read,
/// and nowhere else: printed by accident it is three stars.
package struct BearerToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The secret itself.
    package let secret: String

    /// What tokens that are made here begin with, so that logs and scanners know them.
    package static let prefix = "rct_"

    /// Reads a token of any server; nil for what cannot stand in a header (RFC 6750, 2.1) or is too short to be a secret.
    package init?(_ text: String) {
        let body = text.utf8.reversed().drop { $0 == 0x3D }
        guard (16...4096).contains(text.utf8.count), !body.isEmpty, body.allSatisfy(Self.isTokenByte) else {
            return nil
        }
        secret = text
    }

    private init(secret: String) { self.secret = secret }

    /// A new one of 256 random bits, which the kernel gives.
    package static func random() -> BearerToken {
        var random = SystemRandomNumberGenerator()
        return BearerToken(secret: prefix + hexText((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }))
    }

    /// What a server keeps of it.
    package var digest: SHA256Digest { SHA256Digest(hashing: Array(secret.utf8)) }

    package var description: String { "***" }
    package var debugDescription: String { "***" }

    /// `text` with everything that looks like a token of ours replaced by stars.
    package static func redacted(_ text: String) -> String {
        guard text.utf8.count > prefix.utf8.count, text.contains(prefix) else { return text }
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            if rest.starts(with: prefix.utf8) {
                result += Array("\(prefix)***".utf8)
                rest = rest.dropFirst(prefix.utf8.count).drop { isTokenByte($0) }
            } else {
                result.append(rest.removeFirst())
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F: true
        default: false
        }
    }
}
