// SPDX-License-Identifier: Apache-2.0

/// The value of one to eighteen ASCII decimal digits, which an `Int` always holds; nil for anything else.
package func decimalNumber(_ digits: some Collection<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.count <= 18 else { return nil }
    var value = 0
    for digit in digits {
        guard (0x30...0x39).contains(digit) else { return nil }
        value = value * 10 + Int(digit - 0x30)
    }
    return value
}
