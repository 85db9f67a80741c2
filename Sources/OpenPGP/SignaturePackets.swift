// SPDX-License-Identifier: Apache-2.0

package import Model

/// Looks at detached signatures before any engine does, and lets through one form only.
///
/// What is refused here can do no harm further on: an old signed message wrapped inline beside changed data, a
/// clearsigned text, a compressed packet that unfolds to gigabytes, a flood of signatures, notations that imitate the
/// engine's status lines, a text-mode signature that does not cover line ends, a weak hash.
package enum SignaturePackets {
    /// The most bytes that the signatures of one document may have.
    package static let sizeLimit = 16 << 10
    /// The most signatures on one document.
    package static let countLimit = 8

    /// Signatures of the accepted form.
    package struct Checked: Sendable, Equatable {
        /// How many there are, at least one.
        package let count: Int
        /// The packets without armor, one after the other.
        package let bytes: [UInt8]
    }

    /// Checks that `signatures` is one or more armored blocks `PGP SIGNATURE`, or raw packets, of at most 16 KiB and 8
    /// packets, each a signature packet of version 4 and class 0x00 by RSA, ECDSA or EdDSA over SHA-256, -384 or -512,
    /// with nothing in it but times, issuer and signer.
    ///
    /// - Throws: `SIGNATURE` for anything else.
    package static func check(_ signatures: [UInt8], subject: String) throws(RootcellarError) -> Checked {
        try check(signatures, signatureClass: 0, subject: subject)
    }

    /// Whether signatures of the accepted form name a key as their issuer (RFC 9580, section 5.2.3.35). Proves nothing.
    package static func name(_ key: Fingerprint, in signatures: [UInt8]) -> Bool {
        guard let checked = try? check(signatures, subject: ""), let wanted = bytesFromHex(key.hex, upperCase: true)
        else {
            return false
        }
        return checked.bytes.indices.contains { checked.bytes[$0...].starts(with: wanted) }
    }

    /// The same for signatures of another class (RFC 4880, section 5.2.1).
    static func check(
        _ signatures: [UInt8],
        signatureClass: UInt8,
        subject: String
    ) throws(RootcellarError) -> Checked {
        guard signatures.count <= sizeLimit else {
            throw RootcellarError(.signature, "more than \(sizeLimit) bytes of signatures", subject: subject)
        }
        var count = 0
        var bytes: [UInt8] = []
        for block in try Armor.blocks(signatures, label: .signature, subject: subject) {
            for packet in try Packet.all(in: block[...], limit: countLimit, subject: subject) {
                if let fault = fault(of: packet, signatureClass) {
                    throw RootcellarError(.signature, "not an acceptable signature (\(fault))", subject: subject)
                }
                count += 1
                bytes += packet.bytes
            }
        }
        guard count > 0 else { throw RootcellarError(.signature, "no signature", subject: subject) }
        guard count <= countLimit else {
            throw RootcellarError(.signature, "more than \(countLimit) signatures", subject: subject)
        }
        return Checked(count: count, bytes: bytes)
    }

    /// Why a packet is not acceptable; nil if it is. Layout: RFC 4880, section 5.2.3.
    private static func fault(of packet: Packet, _ wanted: UInt8) -> String? {
        guard packet.tag == 2 else { return "OpenPGP packet of type \(packet.tag)" }
        var rest = Octets(packet.body)
        guard let version = rest.byte() else { return "cut" }
        guard version == 4 else { return "version \(version)" }
        guard let found = rest.byte(), let algorithm = rest.byte(), let hash = rest.byte() else {
            return "cut"
        }
        guard found == wanted else {
            return "class \(found), " + (wanted == 0 ? "only binary documents are signed" : "not \(wanted)")
        }
        guard let integers = [1: 1, 19: 2, 22: 2][algorithm] else { return "public key algorithm \(algorithm)" }
        guard hash == 8 || hash == 9 || hash == 10 else { return "hash algorithm \(hash)" }
        guard let hashed = rest.number(2).flatMap({ rest.slice($0) }),
            let unhashed = rest.number(2).flatMap({ rest.slice($0) })
        else { return "cut" }
        guard let signed = subpackets(hashed), let loose = subpackets(unhashed) else { return "damaged subpackets" }
        if let odd = (signed + loose).first(where: { !permitted.contains($0) }) { return "subpacket of type \(odd)" }
        guard signed.count(where: { $0 == creationTime }) == 1, !loose.contains(creationTime) else {
            return "no single signed time"
        }
        guard rest.number(2) != nil else { return "cut" }
        for _ in 0..<integers {
            guard rest.integerBits() != nil else { return "cut" }
        }
        return rest.isEmpty ? nil : "trailing bytes"
    }

    private static let creationTime: UInt8 = 2
    /// Times of creation and expiry, issuer as key id and as fingerprint, signer's user id. Notations (20) are left
    /// out because engines have printed them into their own status output (CVE-2022-34903).
    private static let permitted: Set<UInt8> = [creationTime, 3, 16, 28, 33]

    /// The types of all subpackets; nil if the area is damaged.
    private static func subpackets(_ area: ArraySlice<UInt8>) -> [UInt8]? {
        var types: [UInt8] = []
        var rest = Octets(area)
        while !rest.isEmpty {
            guard let length = rest.newLength(ofSubpacket: true), let content = rest.slice(length),
                let type = content.first
            else { return nil }
            types.append(type & 0x7F)
        }
        return types
    }
}
