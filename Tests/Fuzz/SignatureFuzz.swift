// SPDX-License-Identifier: Apache-2.0

import OpenPGP

/// What is looked at before gpg sees a byte.
enum SignatureFuzz {
    /// Version 4, class 0x00, EdDSA, SHA-256, with the time and the issuer; nothing that would verify.
    private static let packet: [UInt8] =
        [0x88, 0x5D, 0x04, 0x00, 0x16, 0x08, 0x00, 0x05, 0x05, 0x02, 0x66, 0x00, 0x00, 0x00, 0x00, 0x0A, 0x09, 0x10]
        + [UInt8](repeating: 0xAB, count: 8) + [0x12, 0x34] + [0x01, 0x00] + [UInt8](repeating: 0x80, count: 32)
        + [0x01, 0x00] + [UInt8](repeating: 0x80, count: 31)
    private static let begin = "-----BEGIN PGP SIGNATURE-----\n\n"
    private static let end = "\n=njUN\n-----END PGP SIGNATURE-----\n"

    static let signatures = [
        Array((begin + "iHUEABYIAB0WIQTq6" + end).utf8), packet,
        Array("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n".utf8) + Array((begin + "iHUE" + end).utf8),
        [0xA3, 0x01, 0x01], [0xC2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0xC2, 0xE0],
    ]

    static func signature(_ bytes: [UInt8]) {
        guard let checked = try? SignaturePackets.check(bytes, subject: "fuzz") else { return }
        precondition((1...8).contains(checked.count) && bytes.count <= 16 << 10, "the limits hold")
        guard let again = try? SignaturePackets.check(checked.bytes, subject: "fuzz") else {
            preconditionFailure("packets without armor are as good as with it")
        }
        precondition(again == checked, "packets without armor are the same")
    }

    /// An Ed25519 primary key and nothing else.
    static let keys: [[UInt8]] = [
        [0x98, 0x33, 0x04, 0x66, 0x00, 0x00, 0x00, 0x16, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01]
            + [0x01, 0x07, 0x40] + [UInt8](repeating: 0x5A, count: 32),
        Array("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZgAAABYJ\n-----END PGP PUBLIC KEY BLOCK-----\n".utf8),
    ]

    static func publicKey(_ bytes: [UInt8]) {
        guard let primaries = try? PublicKeyBlock.primaryFingerprints(bytes, subject: "fuzz") else { return }
        precondition(!primaries.isEmpty && bytes.count <= PublicKeyBlock.sizeLimit, "there is a key, within the limit")
    }
}
