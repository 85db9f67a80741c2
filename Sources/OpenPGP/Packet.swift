// SPDX-License-Identifier: Apache-2.0

import Model

/// One OpenPGP packet (RFC 4880, section 4.2).
struct Packet {
    /// What the packet holds: 2 a signature, 6 a primary key, 14 a subkey, 13 a user id.
    var tag: UInt8
    /// The content.
    var body: ArraySlice<UInt8>
    /// Header and content as they stood.
    var bytes: ArraySlice<UInt8>

    /// Takes a sequence of packets apart. Partial and indeterminate lengths are refused: keys and signatures never
    /// have them (RFC 4880, section 4.2.2.4).
    ///
    /// - Throws: `SIGNATURE` for bytes that are no packets, or more packets than `limit`.
    static func all(in bytes: ArraySlice<UInt8>, limit: Int, subject: String) throws(RootcellarError) -> [Packet] {
        var packets: [Packet] = []
        var rest = Octets(bytes)
        while !rest.isEmpty {
            let start = rest.position
            guard packets.count < limit else {
                throw RootcellarError(.signature, "more than \(limit) OpenPGP packets", subject: subject)
            }
            guard let packet = next(&rest, in: bytes, from: start) else {
                throw RootcellarError(.signature, "damaged OpenPGP packet", subject: subject)
            }
            packets.append(packet)
        }
        return packets
    }

    private static func next(_ rest: inout Octets, in bytes: ArraySlice<UInt8>, from start: Int) -> Packet? {
        guard let header = rest.byte(), header & 0x80 != 0 else { return nil }
        let tag: UInt8
        let length: Int?
        if header & 0x40 == 0 {
            tag = header >> 2 & 0xF
            switch header & 3 {
            case 0: length = rest.number(1)
            case 1: length = rest.number(2)
            case 2: length = rest.number(4)
            default: return nil
            }
        } else {
            tag = header & 0x3F
            length = rest.newLength(ofSubpacket: false)
        }
        guard let length, let body = rest.slice(length) else { return nil }
        return Packet(tag: tag, body: body, bytes: bytes[start..<rest.position])
    }
}

/// Reads octets front to back; every read is checked against the end.
struct Octets {
    private let bytes: ArraySlice<UInt8>
    /// Index of the next octet in the original collection.
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isEmpty: Bool { position == bytes.endIndex }

    mutating func byte() -> UInt8? {
        guard position < bytes.endIndex else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// A big-endian number of `width` octets, at most 4.
    mutating func number(_ width: Int) -> Int? {
        guard let digits = slice(width) else { return nil }
        return digits.reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func slice(_ length: Int) -> ArraySlice<UInt8>? {
        guard length >= 0, length <= bytes.endIndex - position else { return nil }
        defer { position += length }
        return bytes[position..<(position + length)]
    }

    /// A length of one, two or five octets: of a packet (RFC 4880, section 4.2.2; 224 to 254 begin a partial one) or
    /// of a subpacket (section 5.2.3.1; 192 to 254 begin one of two octets).
    mutating func newLength(ofSubpacket subpacket: Bool) -> Int? {
        guard let first = byte() else { return nil }
        switch first {
        case 0..<192: return Int(first)
        case 192..<(subpacket ? 255 : 224):
            guard let second = byte() else { return nil }
            return (Int(first) - 192) << 8 + Int(second) + 192
        case 255: return number(4)
        default: return nil
        }
    }

    /// A multiprecision integer (RFC 4880, section 3.2): its number of bits.
    mutating func integerBits() -> Int? {
        guard let bits = number(2), slice((bits + 7) / 8) != nil else { return nil }
        return bits
    }
}
