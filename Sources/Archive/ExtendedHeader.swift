// SPDX-License-Identifier: Apache-2.0

import Model

/// What pax records and GNU's long-name members say about the member that follows them.
struct ExtendedHeader {
    private var path: [UInt8]?
    private var linkPath: [UInt8]?
    private var size: Int?
    private var uid: UInt32?
    private var gid: UInt32?
    private var modified: Int64?
    private var nanoseconds: UInt32 = 0
    private var attributes: [TarEntry.Attribute] = []
    private var leftOut = Omissions()
    /// The map of a file with holes, if the member is one.
    var sparse = SparseMap()
    /// Whether it is.
    var isSparse = false
    private var seen = false

    /// Whether nothing has been read since the last member.
    var isEmpty: Bool { !seen }

    /// Takes the records of a pax `x` header.
    mutating func read(pax bytes: [UInt8], limits: TarLimits) throws(RootcellarError) {
        guard !seen else { throw refuse("two extended headers for one member") }
        seen = true
        for (key, value) in try Self.records(bytes) {
            if key.starts(with: TarFormat.attributePrefix) {
                try add(attribute: Array(key.dropFirst(TarFormat.attributePrefix.count)), value, limits: limits)
                continue
            }
            switch String(decoding: key, as: UTF8.self) {
            case "path": path = try Self.name(value)
            case "linkpath": linkPath = try Self.name(value)
            case "size": size = try Self.number(value)
            case "uid": uid = try HeaderFields.id(try Self.number(value))
            case "gid": gid = try HeaderFields.id(try Self.number(value))
            case "mtime": (modified, nanoseconds) = try Self.time(value)
            case "atime", "ctime", "uname", "gname", "comment", "charset", "hdrcharset": continue
            case "SCHILY.acl.access": try add(list: value, as: AttributePolicy.accessList, limits: limits)
            case "SCHILY.acl.default": try add(list: value, as: AttributePolicy.defaultAccessList, limits: limits)
            case "SCHILY.acl.ace": leftOut[.accessLists] += 1
            case "SCHILY.fflags": leftOut[.fileFlags] += 1
            case "RHT.security.selinux": leftOut[.labels] += 1
            case "SCHILY.realsize", "SUN.holesdata": throw refuse("a sparse file of an unknown form")
            case let key where key.hasPrefix("GNU.sparse."):
                try sparse.take(key.dropFirst("GNU.sparse.".count), value, limits: limits)
            case let key where key.contains("."): continue  // vendors' own words; none changes what a member is
            case let key: throw refuse("unknown extended header '\(key)'")
            }
        }
        isSparse = try sparse.close()
    }

    /// Takes GNU's long name.
    mutating func set(longName: [UInt8]) throws(RootcellarError) {
        guard path == nil else { throw refuse("two names for one member") }
        seen = true
        path = try Self.gnuName(longName)
    }

    /// Takes GNU's long link target.
    mutating func set(longLink: [UInt8]) throws(RootcellarError) {
        guard linkPath == nil else { throw refuse("two link targets for one member") }
        seen = true
        linkPath = try Self.gnuName(longLink)
    }

    /// A global header may comment (as git-archive does) and nothing else: it would change every member after it.
    static func checkGlobal(_ bytes: [UInt8]) throws(RootcellarError) {
        for (key, _) in try records(bytes) where key != Array("comment".utf8) {
            throw refuse("a global extended header that sets '\(String(decoding: key, as: UTF8.self))'")
        }
    }

    /// Puts both kinds of header together.
    func entry(_ fields: HeaderFields, limits: TarLimits) throws(RootcellarError) -> TarEntry {
        let rawPath = sparse.name ?? path ?? fields.name
        let kind = try Self.kind(fields.type, rawPath)
        let path = try MemberPath.normalised(rawPath, limits: limits)
        if path.isEmpty, kind != .directory { throw refuse("the root directory is not a directory") }
        var size = fields.size
        if let signed = self.size, signed != size {
            // Only a size that no octal field can hold may stand in pax alone.
            guard signed >= 1 << 33, fields.size == 0 else { throw refuse("two different sizes", rawPath) }
            size = signed
        }
        guard !isSparse || kind == .file else { throw refuse("holes in something that is not a file", rawPath) }
        guard kind == .file || size == 0 else { throw refuse("content on something that is not a file", rawPath) }
        var target = linkPath ?? fields.linkName
        switch kind {
        case .hardLink: target = try MemberPath.normalised(target, limits: limits)
        case .symbolicLink:
            guard !target.isEmpty, target.count < limits.path else { throw refuse("a bad link target", rawPath) }
        default: target = []
        }
        if kind == .hardLink, target.isEmpty || target == path { throw refuse("a bad link target", rawPath) }
        let seconds = modified ?? fields.modified
        var entry = TarEntry(
            path: path,
            kind: kind,
            mode: fields.mode,
            uid: uid ?? fields.uid,
            gid: gid ?? fields.gid,
            size: size,
            modified: min(seconds, limits.newest),
            linkTarget: target,
            attributes: attributes
        )
        if modified != nil, seconds < limits.newest { entry.modifiedNanoseconds = nanoseconds }
        entry.leftOut = leftOut
        return entry
    }

    private mutating func add(list text: [UInt8], as name: [UInt8], limits: TarLimits) throws(RootcellarError) {
        guard let list = AccessControlList(text: text) else {
            leftOut[.accessLists] += 1
            return
        }
        // Some packers write a list in both ways.
        attributes.removeAll { $0.name == name }
        try add(attribute: name, list.attributeValue, limits: limits)
    }

    private mutating func add(
        attribute name: [UInt8],
        _ value: [UInt8],
        limits: TarLimits
    ) throws(RootcellarError) {
        guard !name.isEmpty, name.count <= 255, !name.contains(0) else { throw refuse("a bad attribute name") }
        attributes.append(TarEntry.Attribute(name: name, value: value))
        guard attributes.count <= limits.attributes,
            attributes.reduce(0, { $0 + $1.value.count }) <= limits.attributeBytes
        else { throw refuse("too many attributes") }
    }

    private static func kind(_ type: UInt8, _ path: [UInt8]) throws(RootcellarError) -> TarEntry.Kind {
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "S"): .file
        case UInt8(ascii: "1"): .hardLink
        case UInt8(ascii: "2"): .symbolicLink
        case UInt8(ascii: "3"), UInt8(ascii: "4"): .device
        case UInt8(ascii: "5"): .directory
        case UInt8(ascii: "6"): .fifo
        default: throw refuse("a member of unknown type \(type)", path)
        }
    }

    /// `<length> <key>=<value>\n`, the length counting the whole record (POSIX.1-2017, pax Extended Header).
    private static func records(_ bytes: [UInt8]) throws(RootcellarError) -> [(key: [UInt8], value: [UInt8])] {
        var records: [(key: [UInt8], value: [UInt8])] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let blank = rest.prefix(8).firstIndex(of: 0x20),
                let length = decimalNumber(rest[rest.startIndex..<blank]), length <= rest.count,
                length > blank - rest.startIndex + 1
            else { throw refuse("a broken extended header") }
            let record = rest[(blank + 1)..<(rest.startIndex + length)]
            guard record.last == 0x0A, let equals = record.firstIndex(of: 0x3D) else {
                throw refuse("a broken extended header")
            }
            let key = Array(record[record.startIndex..<equals])
            // The oldest of GNU's sparse forms repeats two keys for every piece.
            let repeats = key == Array("GNU.sparse.offset".utf8) || key == Array("GNU.sparse.numbytes".utf8)
            guard repeats || !records.contains(where: { $0.key == key }) else {
                throw refuse("'\(String(decoding: key, as: UTF8.self))' twice in an extended header")
            }
            records.append((key, Array(record[(equals + 1)..<(record.endIndex - 1)])))
            rest = rest[(rest.startIndex + length)...]
        }
        return records
    }

    private static func name(_ value: [UInt8]) throws(RootcellarError) -> [UInt8] {
        guard !value.isEmpty, !value.contains(0) else { throw refuse("NUL or nothing as a name", value) }
        return value
    }

    private static func gnuName(_ bytes: [UInt8]) throws(RootcellarError) -> [UInt8] {
        let text = bytes.prefix { $0 != 0 }
        guard bytes[text.endIndex...].allSatisfy({ $0 == 0 }) else { throw refuse("NUL inside a name", Array(text)) }
        return try name(Array(text))
    }

    private static func number(_ value: [UInt8]) throws(RootcellarError) -> Int {
        guard let number = decimalNumber(value[...]) else { throw refuse("an extended header that is no number") }
        return number
    }

    /// Seconds and nanoseconds of a decimal time; times before 1970 count as 1970.
    private static func time(_ value: [UInt8]) throws(RootcellarError) -> (Int64, UInt32) {
        if value.first == 0x2D { return (0, 0) }
        let whole = value.prefix { $0 != 0x2E }
        var fraction = Array(value.dropFirst(whole.count + 1).prefix(9))
        fraction += [UInt8](repeating: 0x30, count: 9 - fraction.count)
        return (Int64(try number(Array(whole))), UInt32(try number(fraction)))
    }
}
