// SPDX-License-Identifier: Apache-2.0

/// What a `Range` header asks of a file of a known size (RFC 9110, 14).
enum ByteRange: Equatable, Sendable {
    /// The whole file: no range, a unit other than bytes, or several ranges at once. Several may be ignored (14.2), and
    /// are, because overlapping ones would let a short request cost many times the file (15.5.17, 17.15).
    case whole
    /// These bytes; never empty.
    case part(Range<Int64>)
    /// Nothing of the file: out of reach, backwards, or not to be read.
    case unsatisfiable

    /// Reads the header's value for a file of `size` bytes. Numbers of any length are understood: what does not fit 64
    /// bits is beyond the end of every file.
    init(_ value: String?, size: Int64) {
        guard let value else {
            self = .whole
            return
        }
        let text = value.utf8.filter { $0 != 0x20 && $0 != 0x09 }
        guard let equals = text.firstIndex(of: 0x3D),
            String(decoding: text[..<equals], as: UTF8.self).lowercased() == "bytes"
        else {
            self = .whole
            return
        }
        let specs = text[(equals + 1)...].split(separator: 0x2C)
        guard specs.count == 1, let spec = specs.first else {
            self = specs.isEmpty ? .unsatisfiable : .whole
            return
        }
        guard let dash = spec.firstIndex(of: 0x2D) else {
            self = .unsatisfiable
            return
        }
        let first = spec[..<dash]
        let last = spec[(dash + 1)...]
        if first.isEmpty {
            guard let count = Self.number(last), count > 0, size > 0 else {
                self = .unsatisfiable
                return
            }
            self = .part(max(0, size - count)..<size)
            return
        }
        guard let start = Self.number(first), start < size else {
            self = .unsatisfiable
            return
        }
        if last.isEmpty {
            self = .part(start..<size)
            return
        }
        guard let end = Self.number(last), end >= start else {
            self = .unsatisfiable
            return
        }
        self = .part(start..<min(end, size - 1) + 1)
    }

    /// A decimal number, held at the largest value; nil if there is anything but digits, or nothing.
    private static func number(_ digits: some Collection<UInt8>) -> Int64? {
        guard !digits.isEmpty else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(digit - 0x30))
            // At the largest value the next product overflows too, so it stays there.
            value = overflow || carry ? .max : sum
        }
        return value
    }
}
