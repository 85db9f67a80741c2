// SPDX-License-Identifier: Apache-2.0

package import Model

/// Writes one canonical tar: the same members always give the same bytes.
///
/// POSIX ustar headers, names with `./` in front as LXC images have them, owners by number only, times in whole
/// seconds; a pax header stands before a member only where ustar cannot hold a value.
package struct TarWriter {
    /// Takes the bytes of the archive, in order.
    package typealias Sink = (RawSpan) throws(RootcellarError) -> Void

    private let sink: Sink
    /// What every name begins with.
    var namePrefix: [UInt8]
    private var contentLeft = 0
    private var paddingLeft = 0

    /// A writer to `sink`; every name begins with `namePrefix`.
    package init(namePrefix: String = "./", sink: @escaping Sink) {
        self.namePrefix = Array(namePrefix.utf8)
        self.sink = sink
    }

    /// Starts a member; exactly `entry.size` bytes of content have to follow.
    package mutating func begin(_ entry: TarEntry) throws(RootcellarError) {
        precondition(contentLeft == 0 && paddingLeft == 0, "the member before has not ended")
        var name = namePrefix + entry.path
        if entry.kind == .directory, !entry.path.isEmpty { name.append(UInt8(ascii: "/")) }
        let target =
            entry.kind == .hardLink ? namePrefix + entry.linkTarget : entry.linkTarget
        var records: [(key: [UInt8], value: [UInt8])] = []
        func record(_ key: String, _ value: [UInt8]) { records.append((Array(key.utf8), value)) }
        if name.count > TarFormat.name.count { record("path", name) }
        if target.count > TarFormat.linkName.count { record("linkpath", target) }
        if entry.size >= 1 << 33 { record("size", Array(String(entry.size).utf8)) }
        if entry.uid >= 1 << 21 { record("uid", Array(String(entry.uid).utf8)) }
        if entry.gid >= 1 << 21 { record("gid", Array(String(entry.gid).utf8)) }
        for attribute in entry.attributes.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            records.append((TarFormat.attributePrefix + attribute.name, attribute.value))
        }
        if !records.isEmpty { try writeExtended(records) }
        try write(
            Self.header(
                name: name,
                target: target,
                type: Self.type(entry.kind),
                mode: entry.mode,
                uid: entry.uid < 1 << 21 ? Int(entry.uid) : 0,
                gid: entry.gid < 1 << 21 ? Int(entry.gid) : 0,
                size: entry.size < 1 << 33 ? entry.size : 0,
                modified: Int(max(0, entry.modified))
            )
        )
        contentLeft = entry.size
        paddingLeft = TarFormat.padding(entry.size)
        try endIfComplete()
    }

    /// Writes the next piece of the member's content.
    package mutating func content(_ bytes: RawSpan) throws(RootcellarError) {
        precondition(bytes.byteCount <= contentLeft, "more content than the member said")
        try sink(bytes)
        contentLeft -= bytes.byteCount
        try endIfComplete()
    }

    /// Writes the end marker.
    package mutating func finish() throws(RootcellarError) {
        precondition(contentLeft == 0 && paddingLeft == 0, "the last member has not ended")
        try write([UInt8](repeating: 0, count: 2 * TarFormat.block))
    }

    private mutating func endIfComplete() throws(RootcellarError) {
        guard contentLeft == 0, paddingLeft > 0 else { return }
        try write([UInt8](repeating: 0, count: paddingLeft))
        paddingLeft = 0
    }

    private func writeExtended(_ records: [(key: [UInt8], value: [UInt8])]) throws(RootcellarError) {
        var body: [UInt8] = []
        // Without this, readers take the names for UTF-8, and bytes that are not are replaced or refused.
        if records.contains(where: {
            ($0.key == Array("path".utf8) || $0.key == Array("linkpath".utf8)) && !isUTF8($0.value)
        }) {
            body += Self.record(Array("hdrcharset".utf8), Array("BINARY".utf8))
        }
        for (key, value) in records { body += Self.record(key, value) }
        try write(
            Self.header(
                name: Array("./PaxHeaders/member".utf8),
                target: [],
                type: UInt8(ascii: "x"),
                mode: 0o644,
                uid: 0,
                gid: 0,
                size: body.count,
                modified: 0
            )
        )
        try write(body + [UInt8](repeating: 0, count: TarFormat.padding(body.count)))
    }

    private func write(_ bytes: [UInt8]) throws(RootcellarError) { unsafe try sink(bytes.span.bytes) }

    /// `<length> <key>=<value>\n`; the length counts its own digits.
    private static func record(_ key: [UInt8], _ value: [UInt8]) -> [UInt8] {
        let fixed = key.count + value.count + 3
        var length = fixed + 1
        while fixed + String(length).utf8.count != length { length = fixed + String(length).utf8.count }
        return Array("\(length) ".utf8) + key + [0x3D] + value + [0x0A]
    }

    private static func type(_ kind: TarEntry.Kind) -> UInt8 {
        switch kind {
        case .file: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symbolicLink: UInt8(ascii: "2")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        case .device: preconditionFailure("devices are never written")
        }
    }

    private static func header(
        name: [UInt8],
        target: [UInt8],
        type: UInt8,
        mode: UInt32,
        uid: Int,
        gid: Int,
        size: Int,
        modified: Int
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarFormat.block)
        func put(_ bytes: some Collection<UInt8>, _ field: Range<Int>) {
            for (offset, byte) in bytes.prefix(field.count).enumerated() { block[field.lowerBound + offset] = byte }
        }
        func putOctal(_ value: Int, _ field: Range<Int>) {
            let digits = String(value, radix: 8)
            put(Array((String(repeating: "0", count: field.count - 1 - digits.utf8.count) + digits).utf8), field)
        }
        put(name, TarFormat.name)
        putOctal(Int(mode & 0o7777), TarFormat.mode)
        putOctal(uid, TarFormat.uid)
        putOctal(gid, TarFormat.gid)
        putOctal(size, TarFormat.size)
        putOctal(modified, TarFormat.modified)
        block[TarFormat.type] = type
        put(target, TarFormat.linkName)
        put(TarFormat.posixMagic, TarFormat.magic)
        for index in TarFormat.checksum { block[index] = 0x20 }
        let sum = block.reduce(0) { $0 + Int($1) }
        putOctal(sum, TarFormat.checksum.lowerBound..<(TarFormat.checksum.upperBound - 1))
        block[TarFormat.checksum.upperBound - 2] = 0
        return block
    }
}

/// Whether the bytes are valid UTF-8.
private func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
