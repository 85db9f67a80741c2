// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Whether `signature`, 64 bytes, is one over `message` by `key`, 32 bytes (RFC 8032).
package func isEd25519Signature(_ signature: [UInt8], over message: [UInt8], key: [UInt8]) -> Bool {
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else { return false }
    return key.isValidSignature(signature, for: message)
}
