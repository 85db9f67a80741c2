// SPDX-License-Identifier: Apache-2.0

import Model

/// How an archive says where the data of a file with holes belongs: GNU tar's four forms ("Sparse Formats" in its
/// manual). Star's and Solaris' are refused.
struct SparseMap {
    /// Where the map is.
    private enum Form { case none, listed, inContent }

    /// The file's own name; its member is called after the process that packed it.
    private(set) var name: [UInt8]?
    private var form = Form.none
    private var extents: [TarEntry.Extent] = []
    private var realSize: Int?
    private var major: Int?
    private var minor: Int?
    private var count: Int?
    private var offset: Int?

    /// Takes a record of an extended header whose key begins with `GNU.sparse.`.
    mutating func take(_ key: Substring, _ value: [UInt8], limits: TarLimits) throws(RootcellarError) {
        func number() throws(RootcellarError) -> Int {
            guard let number = decimalNumber(value[...]) else { throw refuse("a broken map of a sparse file") }
            return number
        }
        switch key {
        case "major": major = try number()
        case "minor": minor = try number()
        case "name": name = value
        case "size", "realsize": realSize = try number()
        case "numblocks": count = try number()
        case "offset":
            guard offset == nil else { throw refuse("a broken map of a sparse file") }
            offset = try number()
        case "numbytes":
            guard let from = offset else { throw refuse("a broken map of a sparse file") }
            try add(from, try number(), limits: limits)
            offset = nil
        case "map":
            let numbers = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                .map(decimalNumber)
            guard numbers.count % 2 == 0 else { throw refuse("a broken map of a sparse file") }
            for index in stride(from: 0, to: numbers.count, by: 2) {
                guard let from = numbers[index], let length = numbers[index + 1] else {
                    throw refuse("a broken map of a sparse file")
                }
                try add(from, length, limits: limits)
            }
        default: throw refuse("a sparse file of an unknown form")
        }
    }

    private mutating func add(_ offset: Int, _ count: Int, limits: TarLimits) throws(RootcellarError) {
        guard extents.count < limits.sparseExtents else { throw refuse("a sparse file of too many pieces") }
        extents.append(TarEntry.Extent(offset: offset, count: count))
    }

    /// Whether the records seen so far make a sparse file, and which form it has.
    ///
    /// - Throws: `ARCHIVE` for records that do not belong together.
    mutating func close() throws(RootcellarError) -> Bool {
        switch (major, minor) {
        case (nil, nil):
            guard realSize != nil || count != nil || !extents.isEmpty || name != nil else { return false }
            guard realSize != nil, let count, count == extents.count, offset == nil else {
                throw refuse("a broken map of a sparse file")
            }
            form = .listed
        case (1, 0):
            guard realSize != nil, name != nil, extents.isEmpty, count == nil else {
                throw refuse("a broken map of a sparse file")
            }
            form = .inContent
        default: throw refuse("a sparse file of an unknown form")
        }
        return true
    }

    /// The map of a member of type `S`, which begins in its header and may go on in blocks after it.
    ///
    /// - Parameter next: gives the next block.
    mutating func readOld(
        _ header: [UInt8],
        limits: TarLimits,
        next: () throws(RootcellarError) -> [UInt8]
    ) throws(RootcellarError) {
        guard form == .none else { throw refuse("two maps of one sparse file") }
        form = .listed
        realSize = try HeaderFields.number(header[483..<495], "size")
        var block = header
        var (at, pieces, more) = (386, 4, 482)
        while true {
            for piece in 0..<pieces {
                let start = at + 24 * piece
                guard block[start] != 0 else { break }
                try add(
                    try HeaderFields.number(block[start..<(start + 12)], "offset"),
                    try HeaderFields.number(block[(start + 12)..<(start + 24)], "size"),
                    limits: limits
                )
            }
            guard block[more] != 0 else { return }
            block = try next()
            (at, pieces, more) = (0, 21, 504)
        }
    }

    /// Reads the map from the beginning of the content if it is there, and gives the entry its real size and pieces.
    ///
    /// - Parameters:
    ///   - stored: bytes of content in the archive, the map included.
    ///   - next: gives the next block of the content.
    mutating func apply(
        to entry: inout TarEntry,
        stored: Int,
        limits: TarLimits,
        next: () throws(RootcellarError) -> [UInt8]
    ) throws(RootcellarError) {
        var stored = stored
        if form == .inContent {
            var numbers: [Int] = []
            var digits: [UInt8] = []
            var wanted = 1
            while numbers.count < wanted {
                guard stored >= TarFormat.block else { throw refuse("a broken map of a sparse file", entry.path) }
                stored -= TarFormat.block
                for byte in try next() where numbers.count < wanted {
                    if byte != 0x0A {
                        digits.append(byte)
                        guard digits.count <= 18 else { throw refuse("a broken map of a sparse file", entry.path) }
                        continue
                    }
                    guard let number = decimalNumber(digits[...]) else {
                        throw refuse("a broken map of a sparse file", entry.path)
                    }
                    if numbers.isEmpty {
                        guard number <= limits.sparseExtents else {
                            throw refuse("a sparse file of too many pieces", entry.path)
                        }
                        wanted = 1 + 2 * number
                    }
                    numbers.append(number)
                    digits = []
                }
            }
            for index in stride(from: 1, to: numbers.count, by: 2) {
                try add(numbers[index], numbers[index + 1], limits: limits)
            }
        }
        guard let realSize else { throw refuse("a broken map of a sparse file", entry.path) }
        var end = 0
        var sum = 0
        for extent in extents {
            guard extent.offset >= end, extent.count <= realSize, extent.offset <= realSize - extent.count,
                extent.count <= stored - sum
            else { throw refuse("a sparse file whose pieces overlap or are outside of it", entry.path) }
            end = extent.offset + extent.count
            sum += extent.count
        }
        guard sum == stored else { throw refuse("a sparse file whose pieces are not its content", entry.path) }
        entry.size = realSize
        entry.extents = extents
    }
}
