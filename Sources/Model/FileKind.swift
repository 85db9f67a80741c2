// SPDX-License-Identifier: Apache-2.0

/// What clients and caches are told about a file of a tree, decided by its place alone, never by its content: our own server
/// says it in each answer, an object store is told with the object.
package struct FileKind: Equatable, Sendable {
    /// `Content-Type`.
    package let type: String
    /// `Cache-Control`.
    package private(set) var caching: String
    /// Whether everybody may read it.
    package private(set) var isForAll = true
    /// Whether it depends on the token what is in it.
    package var variesByToken = false

    /// For what is never written again under its name: a cache need not ask for a year.
    package static let forever = "public, max-age=31536000, immutable"
    /// For what is replaced in place: a cache may keep it but asks each time.
    package static let ask = "no-cache"

    /// Says that not everybody may read it: only the client itself may keep it. `public` would let any cache give to all
    /// what was sent to one token (RFC 9111, 3.5).
    package mutating func restrict() {
        isForAll = false
        caching = caching == Self.forever ? "private, max-age=31536000, immutable" : "private, no-cache"
    }

    /// The kind of the file `components` names below the tree's root.
    package init(_ components: [String]) {
        let name = components.last ?? ""
        type = Self.type(name, isRootKeys: components.starts(with: ["rootcellar", "root"]))
        caching = Self.isForever(components, name) ? Self.forever : Self.ask
    }

    private static func type(_ name: String, isRootKeys: Bool) -> String {
        // The dot of a hidden file is not one of an extension, and hidden files are never served by that name.
        guard let dot = name.utf8.lastIndex(of: 0x2E) else { return text }
        switch name[name.index(after: dot)...] {
        case "html": return "text/html; charset=utf-8"
        case "css": return "text/css; charset=utf-8"
        case "js": return "text/javascript; charset=utf-8"
        case "svg": return "image/svg+xml"
        case "png": return "image/png"
        case "ico": return "image/vnd.microsoft.icon"
        case "json": return "application/json"
        case "atom": return "application/atom+xml"  // RFC 4287
        case "asc": return isRootKeys ? "application/pgp-keys" : "application/pgp-signature"
        case "gpg": return "application/pgp-signature"
        case "xz": return "application/x-xz"
        case "zst": return "application/zstd"  // RFC 8878
        case "squashfs": return "application/vnd.squashfs"
        case "yaml", "yml", "log", "txt", "sjson": return text
        // index-system.5: a level of compatibility, not an extension.
        case let level where level.utf8.allSatisfy { (0x30...0x39).contains($0) }: return text
        default: return "application/octet-stream"
        }
    }

    private static let text = "text/plain; charset=utf-8"

    /// Whether the file has a hash, a version or a serial in its name. Checksum lists and signatures of a build may be
    /// written again (a delta is added, a key is replaced), and so may the pages for people.
    private static func isForever(_ components: [String], _ name: String) -> Bool {
        switch components.first {
        case "rootcellar":
            return components.count == 3 && ["root", "manifest", "index"].contains(components[1])
        case "images":
            guard components.count == 7, (try? Serial(components[5])) != nil else { return false }
            return name != "SHA256SUMS" && name != "index.html" && !name.hasSuffix(".asc")
        default:
            return false
        }
    }
}
