// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model

/// Signatures of OpenBSD's signify(1), with which Void Linux and OpenWrt sign: one Ed25519 signature, by a key that is 32
/// bytes, behind two letters and eight bytes of a number.
enum SignifySignature {
    private static let comment = "untrusted comment:"

    /// Whether these are the first words of one.
    static func looksLikeOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: comment.utf8) }

    /// Verifies; what follows the signature in the same file is not looked at.
    ///
    /// - Returns: who signed, in words.
    /// - Throws: `SOURCE` if none of the keys did.
    static func verify(
        _ message: [UInt8],
        _ signature: [UInt8],
        keys: [String],
        subject: String
    ) throws(RootcellarError) -> String {
        let lines = String(decoding: signature.prefix(4096), as: UTF8.self).split(separator: "\n")
        guard lines.count >= 2, let raw = decoded(String(lines[1]), count: 74) else {
            throw RootcellarError(.source, "not a signature of signify", subject: subject)
        }
        for key in keys {
            guard let known = decoded(key, count: 42), known[2..<10].elementsEqual(raw[2..<10]) else { continue }
            guard isEd25519Signature(Array(raw[10...]), over: message, key: Array(known[10...])) else { break }
            return "signed by signify key \(hexText(Array(known[2..<10])))"
        }
        throw RootcellarError(.source, "none of the given keys signed it", subject: subject)
    }

    /// Base64 of `Ed` and so many bytes in all.
    private static func decoded(_ text: String, count: Int) -> [UInt8]? {
        guard let data = Data(base64Encoded: stripped(text)), data.count == count, data.starts(with: "Ed".utf8) else {
            return nil
        }
        return Array(data)
    }
}
