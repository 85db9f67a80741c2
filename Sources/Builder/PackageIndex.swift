// SPDX-License-Identifier: Apache-2.0

import Model

/// The packages that an archive offers, by the hash of their file; from a `Packages` list that apt has verified.
struct PackageIndex: Sendable {
    /// One package file.
    struct Entry: Hashable, Sendable {
        /// The name under which apt keeps the file.
        var fileName: String
        /// Bytes.
        var size: Int
    }

    /// Every package file by its SHA-256 in hexadecimal digits.
    private(set) var entries: [String: Entry] = [:]

    /// Whether there is a package of this name.
    func offers(_ name: String) -> Bool { entries.values.contains { $0.fileName.hasPrefix("\(name)_") } }

    /// Adds a list, uncompressed. What is not complete is left out.
    mutating func add(_ bytes: [UInt8]) {
        var name = "", version = "", architecture = "", hash = ""
        var size = 0
        func field(_ line: ArraySlice<UInt8>, _ key: StaticString) -> String? {
            let count = key.utf8CodeUnitCount
            guard line.count > count, line[line.startIndex + count] == 0x3A else { return nil }
            let matches = key.withUTF8Buffer { unsafe line.prefix(count).elementsEqual($0) }
            guard matches else { return nil }
            return String(decoding: line.dropFirst(count + 1).drop { $0 == 0x20 }, as: UTF8.self)
        }
        func finish() {
            if !name.isEmpty, !version.isEmpty, !architecture.isEmpty, hash.utf8.count == 64, size > 0 {
                let file = Self.fileName(name, version, architecture)
                entries[hash] = Entry(fileName: file, size: size)
            }
            (name, version, architecture, hash, size) = ("", "", "", "", 0)
        }
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            let line = bytes[start..<end]
            start = end + 1
            switch line.first {
            case nil: finish()
            case UInt8(ascii: "P"): if let value = field(line, "Package") { name = value }
            case UInt8(ascii: "V"): if let value = field(line, "Version") { version = value }
            case UInt8(ascii: "A"): if let value = field(line, "Architecture") { architecture = value }
            case UInt8(ascii: "S"):
                if let value = field(line, "SHA256") { hash = value }
                if let value = field(line, "Size") { size = Int(value) ?? 0 }
            default: break
            }
        }
        finish()
    }

    /// apt's name for a package file: characters that would mean something are written as in URLs.
    static func fileName(_ name: String, _ version: String, _ architecture: String) -> String {
        let quoted = version.map { $0 == ":" ? "%3a" : $0 == "/" ? "%2f" : String($0) }.joined()
        return "\(name)_\(quoted)_\(architecture).deb"
    }

    /// The lists in a root.
    static func read(_ rootfs: RootfsDirectory) throws(RootcellarError) -> PackageIndex {
        var index = PackageIndex()
        for name in rootfs.names(AptPaths.lists).map({ String(decoding: $0, as: UTF8.self) })
        where name.hasSuffix("_Packages") {
            if let bytes = try rootfs.read("\(AptPaths.lists)/\(name)", limit: 512 << 20) { index.add(bytes) }
        }
        return index
    }
}
