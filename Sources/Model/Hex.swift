// SPDX-License-Identifier: Apache-2.0

/// Lower-case (or upper-case) hex digits of `bytes`.
package func hexText(_ bytes: some Sequence<UInt8>, upperCase: Bool = false) -> String {
    let digits = Array((upperCase ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that an even number of hex digits of one case stand for; nil for anything else.
package func bytesFromHex(_ hex: String, upperCase: Bool) -> [UInt8]? {
    guard hex.utf8.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in hex.utf8 {
        let value: UInt8
        switch digit {
        case 0x30...0x39: value = digit - 0x30
        case 0x61...0x66 where !upperCase: value = digit - 0x61 + 10
        case 0x41...0x46 where upperCase: value = digit - 0x41 + 10
        default: return nil
        }
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return bytes
}
