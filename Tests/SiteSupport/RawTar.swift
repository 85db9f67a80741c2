// SPDX-License-Identifier: Apache-2.0

/// A tar that no packer would make: every field as the test wants it.
package struct RawTar {
    package private(set) var bytes: [UInt8] = []
    /// What an image document that tells the truth says.
    package private(set) var entries = 0
    package private(set) var content = 0

    /// Begins with the root directory.
    package init() { add("./", type: "5", mode: 0o755) }

    /// Adds a member.
    ///
    /// - Parameter type: ustar's type flag.
    package mutating func add(
        _ name: String,
        type: Unicode.Scalar = "0",
        text: String = "",
        link: String = "",
        mode: Int = 0o644,
        uid: Int = 0
    ) {
        entries += 1
        content += text.utf8.count
        append(name, type, Array(text.utf8), link, mode, uid)
    }

    /// Adds an extended header for the next member.
    package mutating func addExtended(_ key: String, _ value: String) {
        let fixed = key.utf8.count + value.utf8.count + 3
        var length = fixed + 1
        while fixed + String(length).utf8.count != length { length = fixed + String(length).utf8.count }
        append("./pax", "x", Array("\(length) \(key)=\(value)\n".utf8), "", 0o644, 0)
    }

    /// Adds bytes as they are.
    package mutating func addRaw(_ raw: [UInt8]) { bytes += raw }

    /// The archive with its end marker.
    package var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    private mutating func append(
        _ name: String,
        _ type: Unicode.Scalar,
        _ data: [UInt8],
        _ link: String,
        _ mode: Int,
        _ uid: Int
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, _ offset: Int) {
            for (index, byte) in text.enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: digits - text.utf8.count) + text).utf8)
        }
        put(Array(name.utf8).prefix(100), 0)
        put(octal(mode, 7), 100)
        put(octal(uid, 7), 108)
        put(octal(0, 7), 116)
        put(octal(data.count, 11), 124)
        put(octal(1_600_000_000, 11), 136)
        block[156] = UInt8(truncatingIfNeeded: type.value)
        put(Array(link.utf8).prefix(100), 157)
        put("ustar\u{0}00".utf8, 257)
        put([UInt8](repeating: 0x20, count: 8), 148)
        put(octal(block.reduce(0) { $0 + Int($1) }, 6) + [0, 0x20], 148)
        bytes += block + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
    }
}
