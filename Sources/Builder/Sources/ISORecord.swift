// SPDX-License-Identifier: Apache-2.0

/// One record of a directory of ISO 9660 (ECMA-119, 9.1).
struct ISORecord {
    /// The first block, and the number of bytes.
    let block: Int
    let size: Int
    let isDirectory: Bool
    /// Whether the file goes on in the next record.
    let isContinued: Bool
    /// Whether it is the directory itself or the one above it.
    let isDot: Bool
    /// The name without its version.
    let plainName: [UInt8]
    /// What systems of their own have put behind the name.
    let system: ArraySlice<UInt8>

    /// Reads a record; nil for one that does not fit into itself.
    init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count >= 34 else { return nil }
        let length = Int(bytes[32])
        guard length > 0, 33 + length <= bytes.count else { return nil }
        // Attributes of the record's own may lie before the content.
        block = LittleEndian.number(bytes[2..<6]) + Int(bytes[1])
        size = LittleEndian.number(bytes[10..<14])
        isDirectory = bytes[25] & 0x02 != 0
        isContinued = bytes[25] & 0x80 != 0
        let name = bytes[33..<33 + length]
        isDot = length == 1 && name[33] <= 1
        let plain = name.prefix { $0 != UInt8(ascii: ";") }
        plainName = Array(plain.last == UInt8(ascii: ".") ? plain.dropLast() : plain)
        // A byte is left out so that what follows begins at an even place.
        system = bytes[min(33 + length + (length + 1) % 2, bytes.count)...]
    }

    /// How many bytes stand before the entries, by the entry SP of the root's first record.
    var skip: Int {
        let area = Array(system.prefix(7))
        return area.count == 7 && area.starts(with: "SP".utf8) && area[4] == 0xBE && area[5] == 0xEF ? Int(area[6]) : 0
    }

    /// What the entries of an area say: a piece of a name, and where there are more of them.
    static func rockRidge(_ area: [UInt8]) -> (name: [UInt8], isNamed: Bool, continuation: ISOImage.Extent?) {
        var name: [UInt8] = []
        var isNamed = false
        var continuation: ISOImage.Extent?
        var rest = area[...]
        while rest.count >= 4 {
            let length = Int(rest[rest.startIndex + 2])
            guard length >= 4, length <= rest.count else { break }
            let entry = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            if entry.starts(with: "NM".utf8), length >= 5 {
                // Flags of the directory itself and its parent have no name (IEEE P1282, 4.1.4).
                if entry[4] & 0x06 == 0 { name += entry[5...] }
                isNamed = true
            } else if entry.starts(with: "CE".utf8), length >= 28 {
                continuation = ISOImage.Extent(
                    offset: LittleEndian.number(entry[4..<8]) * ISOImage.sector + LittleEndian.number(entry[12..<16]),
                    size: LittleEndian.number(entry[20..<24])
                )
            } else if entry.starts(with: "ST".utf8) {
                break
            }
        }
        return (name, isNamed, continuation)
    }
}
