// SPDX-License-Identifier: Apache-2.0

package import Model

/// A tree in an object store: `s3://BUCKET[/PREFIX]` at an endpoint. The bucket is part of the path, as every make of store
/// understands it, not of the host name.
package struct StoreAddress: Hashable, Sendable, CustomStringConvertible {
    package let endpoint: ServerAddress
    package let region: String
    package let bucket: String
    /// Empty, or path components without a slash at either end.
    package let prefix: String

    private static let scheme = "s3://"
    /// What stores that have no regions are asked with, and those that have answer to.
    package static let usualRegion = "us-east-1"

    /// Whether somebody means a tree in an object store.
    package static func isOne(_ text: String) -> Bool { text.lowercased().hasPrefix(scheme) }

    /// - Throws: `POLICY` for anything that is no such address.
    package init(_ text: String, endpoint: ServerAddress, region: String = usualRegion) throws(RootcellarError) {
        func refused(_ why: String) -> RootcellarError {
            RootcellarError(
                .policy,
                "not a tree in an object store (\(why))",
                subject: "'\(text)'",
                hint: "s3://BUCKET[/PREFIX]"
            )
        }
        guard text.hasPrefix(Self.scheme) else { throw refused("no s3://") }
        let parts = text.dropFirst(Self.scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        var components = parts.dropFirst()
        if components.last == "" { components = components.dropLast() }
        guard let bucket = parts.first, (3...63).contains(bucket.utf8.count), let first = bucket.first, first != ".",
            first != "-", bucket.utf8.allSatisfy({ Self.isBucketByte($0) }), !bucket.contains("..")
        else { throw refused("bad bucket") }
        for part in components {
            guard (1...255).contains(part.utf8.count), part != ".", part != "..", part.utf8.allSatisfy(Self.isPlain)
            else {
                throw refused("bad prefix")
            }
        }
        guard (1...64).contains(region.utf8.count), region.utf8.allSatisfy({ Self.isBucketByte($0) || $0 == 0x5F })
        else {
            throw RootcellarError(.policy, "not a region", subject: "'\(region)'")
        }
        self.endpoint = endpoint
        self.region = region
        self.bucket = String(bucket)
        self.prefix = components.joined(separator: "/")
    }

    package var description: String { Self.scheme + bucket + (prefix.isEmpty ? "" : "/\(prefix)") }

    /// A file of the tree, as messages call it.
    package func name(of path: String) -> String { "\(self)/\(path)" }

    /// The name of an object.
    func key(of path: String) -> String { prefix.isEmpty ? path : "\(prefix)/\(path)" }

    /// The file of the tree that an object is; nil if it is outside.
    func path(ofKey key: String) -> String? {
        if prefix.isEmpty { return key }
        return key.hasPrefix(prefix + "/") ? String(key.dropFirst(prefix.utf8.count + 1)) : nil
    }

    /// The URL of a file.
    ///
    /// - Parameter query: names and values.
    func url(of path: String, query: [(String, String)] = []) -> String {
        "\(endpoint.url)/\(bucket)/\(Self.escaped(key(of: path), keeping: 0x2F))\(Self.text(query))"
    }

    /// The URL of the bucket.
    func bucketURL(query: [(String, String)]) -> String { "\(endpoint.url)/\(bucket)\(Self.text(query))" }

    /// In the one form in which it is signed: sorted, every value there, everything escaped. libcurl before 8.3 signs a query
    /// as it stands.
    private static func text(_ query: [(String, String)]) -> String {
        let pairs = query.map { "\(escaped($0.0))=\(escaped($0.1))" }.sorted()
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    private static func escaped(_ text: String, keeping kept: UInt8? = nil) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            if isPlain(byte) || byte == kept {
                result.append(byte)
            } else {
                result += Array("%\(hexText([byte], upperCase: true))".utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isBucketByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E
    }

    /// RFC 3986, 2.3.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }
}
