// SPDX-License-Identifier: Apache-2.0

import Model

/// A strong validator (RFC 9110, 8.8.3): never the same for different bytes.
struct EntityTag: Equatable, Sendable {
    /// The tag with its quotes.
    let text: String

    /// For a small file whose bytes are at hand: their hash. The same on every mirror.
    init(_ digest: SHA256Digest) { text = "\"\(digest)\"" }

    /// For a big file: which file it is, how long, and when its bytes and its inode last changed, in nanoseconds. No
    /// write can leave the change time as it was, and a replacement has another inode.
    init(_ status: FileStatus) {
        text =
            "\""
            + [Int64(bitPattern: status.inode), status.size, status.modified, status.changed]
            .map { String(UInt64(bitPattern: $0), radix: 16) }.joined(separator: "-") + "\""
    }

    /// Whether `If-None-Match` names this tag: `*` or a list, compared weakly (13.1.2).
    func isNamed(inList list: String) -> Bool {
        list.utf8.split(separator: 0x2C).contains { part in
            var tag = String(decoding: part, as: UTF8.self).utf8.filter { $0 != 0x20 && $0 != 0x09 }
            if tag.starts(with: "W/".utf8) { tag.removeFirst(2) }
            return tag == Array(text.utf8) || tag == [0x2A]
        }
    }
}
