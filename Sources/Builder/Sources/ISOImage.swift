// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// A file system of ISO 9660 (ECMA-119) with the names of Rock Ridge (IEEE P1282), read without mounting it: mounting
/// would need root, and would give the kernel's file systems bytes from outside.
struct ISOImage {
    /// A file or directory, as a record of its directory describes it.
    struct Entry {
        var name: String
        var isDirectory: Bool
        /// Where its bytes are, in their order.
        var extents: [Extent]

        var size: Int { extents.reduce(0) { $0 + $1.size } }
    }

    /// Bytes that lie behind one another.
    struct Extent: Equatable {
        var offset: Int
        var size: Int
    }

    static let sector = 2048
    /// The most bytes of one directory, and the most records of a tree: more than any distribution has.
    private static let directoryLimit = 64 << 20
    private static let treeLimit = 500_000

    /// The image's name, for messages.
    let name: String
    /// When it was made, if it says so.
    let created: Timestamp?
    private let file: FileDescriptor
    private let size: Int
    private let root: Extent
    /// Bytes before the entries of Rock Ridge in each record (SP of IEEE P1281).
    private var skipped = 0

    /// Reads the primary volume descriptor.
    ///
    /// - Throws: `SOURCE` if there is none.
    init(_ file: FileDescriptor, size: Int, name: String) throws(RootcellarError) {
        self.file = file
        self.size = size
        self.name = name
        var primary: [UInt8]?
        // Descriptors begin at sector 16; a set of more than a few is none.
        for sector in 16..<32 {
            let bytes = try Self.read(file, Extent(offset: sector * Self.sector, size: Self.sector), size, name)
            guard bytes[1..<6].elementsEqual("CD001".utf8), bytes[0] != 255 else { break }
            if bytes[0] == 1 {
                primary = bytes
                break
            }
        }
        guard let primary, LittleEndian.number(primary[128..<130]) == Self.sector else {
            throw RootcellarError(.source, "not a file system of ISO 9660", subject: name)
        }
        created = Self.date(primary[813..<830])
        root = Extent(
            offset: LittleEndian.number(primary[158..<162]) * Self.sector,
            size: LittleEndian.number(primary[166..<170])
        )
        // The first record of the root is the root itself, and says how Rock Ridge begins.
        if let first = try records(of: root).first { skipped = first.skip }
    }

    /// The entry at a path; nil if there is none. Names without Rock Ridge are in capitals, so these do not count.
    func entry(_ path: String) throws(RootcellarError) -> Entry? {
        var current = Entry(name: "", isDirectory: true, extents: [root])
        for word in path.split(separator: "/") {
            guard current.isDirectory else { return nil }
            let wanted = word.lowercased()
            guard let next = try entries(of: current).first(where: { $0.name.lowercased() == wanted }) else {
                return nil
            }
            current = next
        }
        return current
    }

    /// What is in a directory, in its order.
    func entries(of directory: Entry) throws(RootcellarError) -> [Entry] {
        guard directory.isDirectory, directory.extents.count == 1 else { return [] }
        var result: [Entry] = []
        var isContinued = false
        for record in try records(of: directory.extents[0]) where !record.isDot {
            let name = try self.name(of: record)
            let extent = Extent(offset: record.block * Self.sector, size: record.size)
            if isContinued, let last = result.indices.last, result[last].name == name {
                result[last].extents.append(extent)
            } else {
                guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0x2F), !name.utf8.contains(0) else {
                    throw damaged("a name that is none")
                }
                result.append(Entry(name: name, isDirectory: record.isDirectory, extents: [extent]))
            }
            isContinued = record.isContinued
        }
        return result
    }

    /// Calls `body` with every file below a directory and its path there.
    func walk(
        _ directory: Entry,
        _ body: (_ path: String, Entry) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        var waiting = [(path: "", directory, depth: 0)]
        var count = 0
        while let (path, next, depth) = waiting.popLast() {
            // ECMA-119, 6.8.2.1: eight levels. A loop ends here as well.
            guard depth < 8 else { throw damaged("directories too deep") }
            for entry in try entries(of: next) {
                count += 1
                guard count <= Self.treeLimit else { throw damaged("too many files") }
                let inner = path.isEmpty ? entry.name : "\(path)/\(entry.name)"
                if entry.isDirectory { waiting.append((inner, entry, depth + 1)) } else { try body(inner, entry) }
            }
        }
    }

    /// Where a file lies in the image, if in one piece; nil otherwise.
    func place(of entry: Entry) throws(RootcellarError) -> Extent? {
        guard var place = entry.extents.first, !entry.isDirectory else { return nil }
        for extent in entry.extents.dropFirst() {
            guard extent.offset == place.offset + place.size else { return nil }
            place.size += extent.size
        }
        try check(place)
        return place
    }

    /// Copies a file out.
    ///
    /// - Parameters: output: an empty file.
    func copy(_ entry: Entry, to output: FileDescriptor) throws(Errno) {
        for extent in entry.extents {
            var offset = extent.offset
            var rest = extent.size
            while rest > 0 {
                let bytes = try readAt(file, offset, min(rest, 1 << 20))
                if bytes.isEmpty { throw Errno.ioError }
                unsafe try writeAll(output, bytes.span.bytes)
                offset += bytes.count
                rest -= bytes.count
            }
        }
    }

    /// Whether all of a file is in the image.
    ///
    /// - Throws: `SOURCE` if not.
    func check(_ entry: Entry) throws(RootcellarError) { for extent in entry.extents { try check(extent) } }

    // MARK: - Records

    private func records(of directory: Extent) throws(RootcellarError) -> [ISORecord] {
        guard directory.size <= Self.directoryLimit else { throw damaged("a directory of \(directory.size) bytes") }
        let bytes = try Self.read(file, directory, size, name)
        var result: [ISORecord] = []
        var offset = 0
        while offset < bytes.count {
            let length = Int(bytes[offset])
            // Records do not reach over the end of a sector (ECMA-119, 6.8.1.1).
            let end = (offset / Self.sector + 1) * Self.sector
            if length == 0 {
                offset = end
                continue
            }
            guard offset + length <= min(end, bytes.count), let record = ISORecord(bytes[offset..<offset + length])
            else { throw damaged("a record of a directory") }
            result.append(record)
            offset += length
        }
        return result
    }

    /// The name of Rock Ridge, which may go on elsewhere, else the one of ISO 9660 without its version.
    private func name(of record: ISORecord) throws(RootcellarError) -> String {
        var area = Array(record.system.dropFirst(skipped))
        var name: [UInt8] = []
        var isNamed = false
        // A continuation can lead to another; more than a few lead in a circle.
        for _ in 0..<8 {
            let found = ISORecord.rockRidge(area)
            name += found.name
            isNamed = isNamed || found.isNamed
            guard let next = found.continuation else { break }
            area = try Self.read(file, next, size, self.name)
        }
        return String(decoding: isNamed ? name : record.plainName, as: UTF8.self)
    }

    // MARK: - Bytes

    private func damaged(_ what: String) -> RootcellarError {
        RootcellarError(.source, "the ISO image is damaged: \(what)", subject: name)
    }

    private func check(_ extent: Extent) throws(RootcellarError) {
        guard extent.offset >= 0, extent.size >= 0, extent.offset <= size, extent.size <= size - extent.offset else {
            throw damaged("a file beyond its end")
        }
    }

    private static func read(
        _ file: FileDescriptor,
        _ extent: Extent,
        _ size: Int,
        _ name: String
    ) throws(RootcellarError) -> [UInt8] {
        guard extent.offset >= 0, extent.size >= 0, extent.offset <= size, extent.size <= size - extent.offset,
            extent.size <= directoryLimit
        else { throw RootcellarError(.source, "the ISO image ends too early", subject: name) }
        return try building("read", name) { () throws(Errno) in
            let bytes = try readAt(file, extent.offset, extent.size)
            guard bytes.count == extent.size else { throw Errno.ioError }
            return bytes
        }
    }

    /// `YYYYMMDDHHMMSScc` and quarters of an hour from UTC (ECMA-119, 8.4.26.1).
    static func date(_ bytes: ArraySlice<UInt8>) -> Timestamp? {
        let digits = bytes.prefix(14)
        guard bytes.count == 17, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let text = String(decoding: digits, as: UTF8.self)
        func part(_ start: Int, _ count: Int) -> Substring { text.dropFirst(start).prefix(count) }
        let time = Timestamp("\(part(0, 4))-\(part(4, 2))-\(part(6, 2))T\(part(8, 2)):\(part(10, 2)):\(part(12, 2))Z")
        let quarters = bytes.last.map { Int64(Int8(bitPattern: $0)) } ?? 0
        return time.map { Timestamp(seconds: $0.seconds - quarters * 900) }
    }
}

/// Numbers with their least byte first.
enum LittleEndian {
    static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }
}
