// SPDX-License-Identifier: Apache-2.0

package import Model

/// Public keys, read without the engine.
package enum PublicKeyBlock {
    /// The most bytes that one block of public keys may have.
    package static let sizeLimit = 64 << 10
    /// The same of a distribution's key: hundreds of people have signed some of them.
    package static let distributionSizeLimit = 256 << 10

    /// The fingerprints of the primary keys in armored (or raw) public key blocks, in their order.
    ///
    /// - Throws: `SIGNATURE` if it is anything but public keys, or over the limits.
    package static func primaryFingerprints(
        _ armored: [UInt8],
        subject: String,
        limit: Int = sizeLimit
    ) throws(RootcellarError) -> [Fingerprint] {
        try KeyRing(blocks: [armored], subject: subject, limit: limit).primaries
    }

    /// The primary key whose own or whose subkey's fingerprint ends with these upper-case digits; nil if the block has
    /// none such, or is no block of public keys.
    package static func primaryFingerprint(ofKeyEndingWith digits: String, in armored: [UInt8]) -> Fingerprint? {
        let ring = try? KeyRing(blocks: [armored], subject: "", limit: distributionSizeLimit)
        return ring?.keys.first { $0.key.hex.hasSuffix(digits) }?.value.primary
    }
}
