// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// Verifies files by detached signatures of one known key.
struct FileSignatures {
    private let verifier: Verifier
    private let signer: Fingerprint
    private let now: Timestamp

    /// - Parameter keys: a block of public keys that has the signer's.
    init(by signer: Fingerprint, keys: [UInt8], now: Timestamp) throws(RootcellarError) {
        let primaries = try PublicKeyBlock.primaryFingerprints(keys, subject: "keyring")
        guard primaries.contains(signer) else {
            throw RootcellarError(.signature, "the keyring does not have the key", subject: signer.hex)
        }
        verifier = try Verifier(publicKeys: [keys], expecting: Set(primaries))
        self.signer = signer
        self.now = ClockFloor(now: now, lastSigned: nil).effective
    }

    /// - Throws: `SIGNATURE`, `CLOCK`.
    func check(_ bytes: [UInt8], _ signature: [UInt8], subject: String) throws(RootcellarError) {
        _ = try verifier.verify(
            bytes,
            signatures: signature,
            by: [signer],
            threshold: 1,
            now: now,
            subject: subject
        )
    }

    /// - Throws: `SIGNATURE`, `CLOCK`.
    func check(_ file: FileDescriptor, _ signature: [UInt8], subject: String) throws(RootcellarError) {
        _ = try verifier.verify(
            file: file,
            signatures: signature,
            by: [signer],
            threshold: 1,
            now: now,
            subject: subject
        )
    }
}
