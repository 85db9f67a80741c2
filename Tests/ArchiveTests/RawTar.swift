// SPDX-License-Identifier: Apache-2.0

/// A tar made byte by byte, so that it can be wrong in ways that no tool writes.
struct RawTar {
    private(set) var bytes: [UInt8] = []

    /// A member whose fields are taken as they are.
    mutating func add(
        _ name: String,
        type: Character = "0",
        mode: String = "0000644",
        uid: String = "0000000",
        gid: String = "0000000",
        size: String? = nil,
        link: String = "",
        content: [UInt8] = [],
        magic: String = "ustar\u{0}00",
        checksum: Int? = nil
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(String(name.prefix(100)), 0)
        put(mode, 100)
        put(uid, 108)
        put(gid, 116)
        put(size ?? Self.octal(content.count, 11), 124)
        put("00000000000", 136)
        block[156] = type.asciiValue ?? 0
        put(String(link.prefix(100)), 157)
        put(magic, 257)
        for index in 148..<156 { block[index] = 0x20 }
        put(Self.octal(checksum ?? block.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", 148)
        bytes += block + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// An extended header of these records, with right lengths.
    mutating func addExtended(_ records: [(String, String)], type: Character = "x") {
        var body = ""
        for (key, value) in records {
            let fixed = key.utf8.count + value.utf8.count + 3
            var length = fixed + 1
            while fixed + String(length).utf8.count != length { length = fixed + String(length).utf8.count }
            body += "\(length) \(key)=\(value)\n"
        }
        add("./PaxHeaders/x", type: type, content: Array(body.utf8))
    }

    /// The root directory, as every rootfs has it.
    mutating func addRoot() { add("./", type: "5", mode: "0000755") }

    /// The two blocks of zeros.
    mutating func end() { bytes += [UInt8](repeating: 0, count: 1024) }

    static func octal(_ value: Int, _ width: Int) -> String {
        let digits = String(value, radix: 8)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension RawTar {
    /// A sparse file in GNU's form 1.0, whose map stands before the content.
    ///
    /// - Parameter mapped: whether `stored` has its map already.
    mutating func addSparse(
        _ name: String,
        size: Int,
        map: [(Int, Int)],
        stored: [UInt8],
        mapped: Bool = false
    ) {
        var head = Array("\(map.count)\n".utf8)
        for (offset, count) in map { head += Array("\(offset)\n\(count)\n".utf8) }
        head += [UInt8](repeating: 0, count: (512 - head.count % 512) % 512)
        addExtended([
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", name),
            ("GNU.sparse.realsize", String(size)),
        ])
        add("GNUSparseFile.0/\(name)", content: mapped ? stored : head + stored)
    }
}
