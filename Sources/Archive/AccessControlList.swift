// SPDX-License-Identifier: Apache-2.0

/// A POSIX access control list: the text that archives keep under `SCHILY.acl.access` and `SCHILY.acl.default`
/// (acl(5), "ACL text forms"), as the value of the extended attribute that the kernel takes (posix_acl_xattr.h).
struct AccessControlList {
    private var entries: [(tag: UInt16, permissions: UInt16, id: UInt32)] = []

    /// Reads the text; nil if a user or group is only named: no host's account file has a say in an image's owners.
    init?(text: [UInt8]) {
        for line in text.split(whereSeparator: { $0 == 0x0A || $0 == 0x2C }) {
            let plain = line.prefix { $0 != UInt8(ascii: "#") }.filter { $0 != 0x20 && $0 != 0x09 }
            if plain.isEmpty { continue }
            guard let entry = Self.entry(String(decoding: plain, as: UTF8.self)) else { return nil }
            entries.append(entry)
        }
        guard !entries.isEmpty, entries.count <= Self.limit else { return nil }
        entries.sort { ($0.tag, $0.id) < ($1.tag, $1.id) }
    }

    /// Version 2, then tag, permissions and id of each entry, all little-endian.
    var attributeValue: [UInt8] {
        var bytes: [UInt8] = [2, 0, 0, 0]
        for entry in entries {
            bytes += [UInt8(entry.tag), 0, UInt8(entry.permissions), 0]
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: entry.id >> shift))
            }
        }
        return bytes
    }

    /// The most entries; file systems hold fewer.
    private static let limit = 1024
    private static let nobody = UInt32.max

    /// `tag:qualifier:permissions`, and the number once more as a fourth field if the second is a name (star(5)).
    private static func entry(_ text: String) -> (tag: UInt16, permissions: UInt16, id: UInt32)? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (3...4).contains(fields.count) else { return nil }
        var permissions: UInt16 = 0
        for letter in fields[2] {
            switch letter {
            case "r": permissions |= 4
            case "w": permissions |= 2
            case "x": permissions |= 1
            case "-": continue
            default: return nil
            }
        }
        guard !fields[1].isEmpty else {
            let tags: [String: UInt16] = [
                "user": 0x01, "u": 0x01, "group": 0x04, "g": 0x04, "mask": 0x10, "m": 0x10, "other": 0x20, "o": 0x20,
            ]
            return tags[String(fields[0])].map { ($0, permissions, nobody) }
        }
        let tags: [String: UInt16] = ["user": 0x02, "u": 0x02, "group": 0x08, "g": 0x08]
        guard let tag = tags[String(fields[0])], let id = UInt32(fields.count == 4 ? fields[3] : fields[1]),
            id <= UInt32(Int32.max)
        else { return nil }
        return (tag, permissions, id)
    }
}
