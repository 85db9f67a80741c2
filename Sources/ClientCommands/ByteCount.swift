// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A number of bytes as people write it.
package struct ByteCount: ExpressibleByArgument, Sendable {
    /// Bytes.
    package var bytes: Int

    /// Takes `500M`, `20G` and plain numbers.
    package init?(argument: String) {
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = argument.last.flatMap { units[$0] }
        guard let number = Int(shift == nil ? argument[...] : argument.dropLast()), number >= 0,
            number < 1 << 22 || shift == nil
        else { return nil }
        bytes = number << (shift ?? 0)
    }
}

/// A size for people, with one decimal.
package func byteCount(_ bytes: Int) -> String {
    var value = bytes * 10
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 10240 || unit == "GiB" { return unit == "B" ? "\(bytes) B" : "\(value / 10).\(value % 10) \(unit)" }
        value /= 1024
    }
    return "\(bytes) B"
}
