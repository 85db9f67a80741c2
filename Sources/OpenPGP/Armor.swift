// SPDX-License-Identifier: Apache-2.0

import Model

/// ASCII armor (RFC 4880, section 6.2), read strictly, so that the engine's own armor reader is never given bytes from
/// outside.
enum Armor {
    /// What one kind of block is called between the dashes.
    enum Label: String {
        case signature = "PGP SIGNATURE"
        case publicKey = "PGP PUBLIC KEY BLOCK"
    }

    /// The binary content of each armored block in `text`; the whole of `text` as the only one if it is not armored
    /// but begins like an OpenPGP packet (RFC 4880, section 4.2: the highest bit of the first octet is set).
    ///
    /// - Throws: `SIGNATURE` if there is anything but blocks of this label and blanks, or a block is damaged.
    static func blocks(_ text: [UInt8], label: Label, subject: String) throws(RootcellarError) -> [[UInt8]] {
        if let first = text.first, first & 0x80 != 0 { return [text] }
        func fault(_ why: String) -> RootcellarError {
            RootcellarError(.signature, "not a \(label.rawValue) (\(why))", subject: subject)
        }
        let begin = "-----BEGIN \(label.rawValue)-----"
        let end = "-----END \(label.rawValue)-----"
        var blocks: [[UInt8]] = []
        var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)[...]
        while let first = lines.popFirst() {
            let opening = line(first)
            if opening.isEmpty { continue }
            guard opening == begin else { throw fault("unexpected text") }
            while let next = lines.first, !line(next).isEmpty {
                guard isHeader(line(next)) else { throw fault("bad armor header") }
                lines.removeFirst()
            }
            guard lines.popFirst() != nil else { throw fault("the block is cut") }
            var radix = Radix64()
            var closed = false
            while let next = lines.popFirst() {
                let content = line(next)
                if content == end {
                    closed = true
                    break
                }
                guard radix.take(content.utf8) else { throw fault("damaged armor") }
            }
            guard closed else { throw fault("the block is cut") }
            guard let bytes = radix.finish() else { throw fault("damaged armor") }
            blocks.append(bytes)
        }
        guard !blocks.isEmpty else { throw fault("empty") }
        return blocks
    }

    /// A line without trailing blanks; empty for what is not ASCII, which fits nowhere.
    private static func line(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while let last = bytes.last, last == 0x20 || last == 0x09 || last == 0x0D { bytes.removeLast() }
        guard bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return "\u{FFFD}" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isHeader(_ line: String) -> Bool {
        ["Version: ", "Comment: ", "Charset: ", "MessageID: "].contains { line.hasPrefix($0) }
    }
}

/// Base 64 with the optional CRC-24 of RFC 4880, section 6.1.
private struct Radix64 {
    private var bytes: [UInt8] = []
    private var bits: UInt32 = 0
    private var digits = 0
    private var padding = 0
    private var checksum: UInt32?

    /// Takes one line; false if it cannot stand here.
    mutating func take(_ line: String.UTF8View) -> Bool {
        guard checksum == nil else { return false }
        if line.first == 0x3D, line.count == 5 {
            var value: UInt32 = 0
            for digit in line.dropFirst() {
                guard let six = Self.value(digit) else { return false }
                value = value << 6 | six
            }
            checksum = value
            return true
        }
        guard !line.isEmpty else { return false }
        for digit in line {
            if digit == 0x3D {
                padding += 1
                continue
            }
            guard padding == 0, let six = Self.value(digit) else { return false }
            bits = bits << 6 | six
            digits += 1
            if digits % 4 == 0 {
                bytes += [UInt8(bits >> 16 & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)]
                bits = 0
            }
        }
        return true
    }

    /// All bytes; nil for wrong padding or a checksum that does not fit.
    mutating func finish() -> [UInt8]? {
        switch (digits % 4, padding) {
        case (0, 0): break
        case (2, 2) where bits & 0xF == 0: bytes.append(UInt8(bits >> 4 & 0xFF))
        case (3, 1) where bits & 0x3 == 0: bytes += [UInt8(bits >> 10 & 0xFF), UInt8(bits >> 2 & 0xFF)]
        default: return nil
        }
        if let checksum, checksum != Self.crc24(bytes) { return nil }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt32? {
        switch digit {
        case 0x41...0x5A: UInt32(digit - 0x41)
        case 0x61...0x7A: UInt32(digit - 0x61 + 26)
        case 0x30...0x39: UInt32(digit - 0x30 + 52)
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }

    private static func crc24(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xB704CE
        for byte in bytes {
            crc ^= UInt32(byte) << 16
            for _ in 0..<8 {
                crc <<= 1
                if crc & 0x100_0000 != 0 { crc ^= 0x186_4CFB }
            }
        }
        return crc & 0xFF_FFFF
    }
}
