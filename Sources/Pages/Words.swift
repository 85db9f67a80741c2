// SPDX-License-Identifier: Apache-2.0

import Model

/// Figures as people read them.
enum Words {
    /// Bytes in the largest unit that keeps a figure of one or more before the point; powers of 1000, as disks and links
    /// are sold.
    static func bytes(_ count: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = Double(max(count, 0))
        var unit = 0
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0
            ? "\(Int(value)) B" : "\(value < 10 ? decimal(value) : String(Int(value.rounded()))) \(units[unit])"
    }

    /// One digit after the point.
    static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// Digits in groups of three, apart by narrow spaces.
    static func count(_ value: Int) -> String {
        var result = ""
        for (at, digit) in String(value).enumerated() {
            if at > 0, (String(value).count - at) % 3 == 0 { result.append("\u{202F}") }
            result.append(digit)
        }
        return result
    }

    /// `2026-11-26 18:45`, UTC.
    static func minute(_ time: Timestamp) -> String { minute(time.description) }

    /// The same of a time as documents have it.
    static func minute(_ time: String) -> String { "\(time.prefix(10)) \(time.dropFirst(11).prefix(5))" }
}
