// SPDX-License-Identifier: Apache-2.0

/// What a request asks for, as a name below the tree's root; made only from paths that can name something published.
///
/// The rules are lexical and strict, and they are not what confines a request to the tree: the kernel does that when
/// the name is opened. They keep hidden and half-written files invisible and make one file have few spellings.
struct RequestPath: Hashable, Sendable {
    /// The longest path that is looked at, in bytes, before decoding.
    static let longest = 1024

    /// The components below the root; empty for the root itself.
    let components: [String]
    /// Whether the path ended in a slash, so that only a directory can be meant.
    let namesDirectory: Bool

    /// The name relative to the tree's root.
    var relative: String { components.isEmpty ? "." : components.joined(separator: "/") }

    /// Reads the target of a request line, or the `:path` of HTTP/2: a path and, after `?`, a query that is ignored.
    ///
    /// Percent escapes are decoded once. Nil, and so "not found", for: a component that begins with a dot (`.` and `..`
    /// among them), NUL and other controls, a backslash, an escaped slash, a broken escape, text that is not UTF-8,
    /// bytes that RFC 3986 requires to be escaped, and anything longer than `longest`. Stock LXC clients join server and
    /// path with two slashes, therefore any run of slashes is one.
    init?(target: String) {
        let bytes = target.utf8.prefix { $0 != 0x3F }
        guard bytes.first == 0x2F, bytes.count <= Self.longest else { return nil }
        var components: [String] = []
        for part in bytes.split(separator: 0x2F) {
            guard let name = Self.component(part) else { return nil }
            components.append(name)
        }
        self.components = components
        namesDirectory = bytes.last == 0x2F
    }

    /// The path of a file by its components; nil if one of them may not be asked for.
    init?(components: [String]) {
        guard !components.isEmpty, components.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("/") })
        else { return nil }
        self.components = components
        namesDirectory = false
    }

    /// One decoded component; nil if it may not be asked for.
    private static func component(_ part: some Collection<UInt8>) -> String? {
        var decoded: [UInt8] = []
        var rest = part.makeIterator()
        while let byte = rest.next() {
            guard byte > 0x20, byte < 0x7F else { return nil }
            if byte == 0x25 {
                guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue)
                else { return nil }
                let value = high << 4 | low
                // An escaped slash would make one component into two after it was checked.
                guard value >= 0x20, value != 0x7F, value != 0x2F, value != 0x5C else { return nil }
                decoded.append(value)
            } else {
                guard byte != 0x5C else { return nil }
                decoded.append(byte)
            }
        }
        guard decoded.first != 0x2E, let name = String(validating: decoded, as: UTF8.self) else { return nil }
        // C1 controls arrive as two bytes.
        guard !name.unicodeScalars.contains(where: { (0x80...0x9F).contains($0.value) }) else { return nil }
        return name
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    /// The path with a slash at its end, escaped for a `Location` header. It begins with exactly one slash, so that no
    /// client can take it for the name of another host.
    var asDirectoryURL: String {
        var text = "/"
        for name in components {
            for byte in name.utf8 {
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A, 0x2B:
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                default:
                    let digits = Array("0123456789ABCDEF".unicodeScalars)
                    text.unicodeScalars.append("%")
                    text.unicodeScalars.append(digits[Int(byte >> 4)])
                    text.unicodeScalars.append(digits[Int(byte & 15)])
                }
            }
            text += "/"
        }
        return text
    }
}
