// SPDX-License-Identifier: Apache-2.0

import Crypto
import Model

/// Public keys as packets: what the engine is given to verify with, and who each signing key belongs to.
///
/// The keyring file is written from here instead of by the engine's import, which would cost a process, start an agent
/// and leave its sockets.
struct KeyRing {
    /// One primary key or subkey.
    struct Key {
        /// The primary key that it belongs to; itself for a primary key.
        var primary: Fingerprint
        /// Length of the modulus where the algorithm is RSA.
        var rsaBits: Int?
    }

    /// Keys, user ids and their signatures as binary packets: the form of a keyring file.
    private(set) var bytes: [UInt8] = []
    /// The primary keys in the order they stand.
    private(set) var primaries: [Fingerprint] = []
    /// Every key by its fingerprint.
    private(set) var keys: [Fingerprint: Key] = [:]

    private static let packetLimit = 512

    /// Reads armored (or raw) blocks of public keys. The same block given twice counts once.
    ///
    /// - Throws: `SIGNATURE` for anything but public keys, and for a key that stands in two places, because then
    ///   nobody could say whose signature one of it is.
    init(
        blocks: [[UInt8]],
        subject: String,
        limit: Int = PublicKeyBlock.sizeLimit
    ) throws(RootcellarError) {
        var seen: Set<[UInt8]> = []
        for block in blocks {
            guard block.count <= limit else {
                throw RootcellarError(
                    .signature,
                    "more than \(limit) bytes of public keys",
                    subject: subject
                )
            }
            for content in try Armor.blocks(block, label: .publicKey, subject: subject)
            where seen.insert(content).inserted {
                try add(content, subject: subject)
            }
        }
    }

    private mutating func add(_ content: [UInt8], subject: String) throws(RootcellarError) {
        func fault(_ why: String) -> RootcellarError {
            RootcellarError(.signature, "not a block of public keys (\(why))", subject: subject)
        }
        var primary: Fingerprint?
        var omitted = false
        for packet in try Packet.all(in: content[...], limit: Self.packetLimit, subject: subject) {
            switch packet.tag {
            case 5, 7:
                throw RootcellarError(
                    .signature,
                    "a secret key where a public one is needed",
                    subject: subject,
                    hint: "export the public key, and keep the secret one to yourself"
                )
            case 6, 14:
                guard let (fingerprint, bits) = try Self.key(packet) else { throw fault("damaged key") }
                if packet.tag == 6 {
                    primary = fingerprint
                    primaries.append(fingerprint)
                }
                guard let owner = primary else { throw fault("a subkey without its primary key") }
                guard keys.updateValue(Key(primary: owner, rsaBits: bits), forKey: fingerprint) == nil else {
                    throw fault("key \(fingerprint) stands in it twice")
                }
                omitted = false
            case 13: omitted = false
            case 17: omitted = true  // a picture; left out with its signatures
            case 2: break
            default: throw fault("OpenPGP packet of type \(packet.tag)")
            }
            guard primary != nil else { throw fault("it does not begin with a key") }
            if !omitted { bytes += packet.bytes }
        }
        guard primary != nil else { throw fault("empty") }
    }

    /// Fingerprint (RFC 4880, section 12.2; RFC 9580, section 5.5.4) and RSA length of a key packet; nil if damaged.
    private static func key(_ packet: Packet) throws(RootcellarError) -> (Fingerprint, rsaBits: Int?)? {
        var rest = Octets(packet.body)
        guard let version = rest.byte(), rest.number(4) != nil, let algorithm = rest.byte() else { return nil }
        let length = packet.body.count
        let digest: [UInt8]
        switch version {
        case 4:
            guard length <= 0xFFFF else { return nil }
            var hasher = Insecure.SHA1()
            hasher.update(data: [0x99, UInt8(length >> 8), UInt8(length & 0xFF)])
            hasher.update(data: packet.body)
            digest = Array(hasher.finalize())
        case 5, 6:
            guard rest.number(4) != nil else { return nil }
            var hasher = SHA256()
            hasher.update(data: [version == 5 ? 0x9A : 0x9B])
            hasher.update(data: [24, 16, 8, 0].map { UInt8(length >> $0 & 0xFF) })
            hasher.update(data: packet.body)
            digest = Array(hasher.finalize())
        default: return nil
        }
        let isRSA = (1...3).contains(algorithm)
        let bits = isRSA ? rest.integerBits() : nil
        if isRSA, bits == nil { return nil }
        return (try Fingerprint(hexText(digest, upperCase: true)), bits)
    }
}
