// SPDX-License-Identifier: Apache-2.0

import Model

/// The fields of one header block, checked one by one but not yet against each other.
struct HeaderFields {
    var name: [UInt8]
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var size: Int
    var modified: Int64
    var type: UInt8
    var linkName: [UInt8]

    /// Reads a block that is not all zeros.
    init(_ block: [UInt8]) throws(RootcellarError) {
        // POSIX: the checksum is the sum of all bytes with the checksum field itself taken as blanks.
        var sum = 0
        for (index, byte) in block.enumerated() {
            sum += TarFormat.checksum.contains(index) ? 0x20 : Int(byte)
        }
        guard try Self.number(block[TarFormat.checksum], "checksum") == sum else {
            throw refuse("a bad header checksum")
        }
        let magic = Array(block[TarFormat.magic])
        guard magic == TarFormat.posixMagic || magic == TarFormat.gnuMagic else {
            throw refuse("a header that is neither POSIX nor GNU")
        }
        type = block[TarFormat.type]
        var name = try Self.text(block[TarFormat.name])
        if magic == TarFormat.posixMagic {
            let prefix = try Self.text(block[TarFormat.prefix])
            if !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
        }
        self.name = name
        linkName = try Self.text(block[TarFormat.linkName])
        mode = UInt32(try Self.number(block[TarFormat.mode], "mode") & 0o7777)
        uid = try Self.id(try Self.number(block[TarFormat.uid], "uid"))
        gid = try Self.id(try Self.number(block[TarFormat.gid], "gid"))
        size = try Self.number(block[TarFormat.size], "size")
        // GNU tar writes times before 1970 as negative base-256 numbers; no rootfs needs them.
        modified = Int64((try? Self.number(block[TarFormat.modified], "time")) ?? 0)
    }

    /// A user or group id that every kernel and tool reads alike. 2³²-1 means "leave as it is" to chown(2), which
    /// would make a set-uid file of the unpacking user.
    static func id(_ value: Int) throws(RootcellarError) -> UInt32 {
        guard value >= 0, value <= Int(Int32.max) else { throw refuse("owner \(value) is out of range") }
        return UInt32(value)
    }

    /// The bytes up to the first NUL. What follows must be NUL too, or readers would see different names.
    private static func text(_ field: ArraySlice<UInt8>) throws(RootcellarError) -> [UInt8] {
        let text = field.prefix { $0 != 0 }
        guard field[text.endIndex...].allSatisfy({ $0 == 0 }) else { throw refuse("NUL inside a name", Array(text)) }
        return Array(text)
    }

    /// Octal digits between blanks and NULs, or GNU's base-256 form for large values; never negative.
    static func number(_ field: ArraySlice<UInt8>, _ what: String) throws(RootcellarError) -> Int {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80 else { throw refuse("a \(what) out of range") }
            var value = 0
            for byte in field.dropFirst() {
                guard value < 1 << 54 else { throw refuse("a \(what) out of range") }
                value = value << 8 | Int(byte)
            }
            return value
        }
        var digits = field.drop { $0 == 0x20 }
        while let last = digits.last, last == 0x20 || last == 0 { digits = digits.dropLast() }
        var value = 0
        for digit in digits {
            guard (0x30...0x37).contains(digit) else { throw refuse("a \(what) that is no number") }
            value = value << 3 | Int(digit - 0x30)
        }
        return value
    }
}
