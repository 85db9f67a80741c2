// SPDX-License-Identifier: Apache-2.0

package import Model

/// What an import answers, for the next export to begin where it ended. Nobody believes it: it only saves bytes.
package struct MirrorReceipt: Document, Hashable {
    package static let title = "receipt"
    package var format = documentFormat
    /// The server's name for itself.
    package var server: String
    /// The manifest that is in force where the receipt comes from.
    package var manifest: Int
    /// Its hash.
    package var sha256: SHA256Digest

    init(server: String, manifest: Int, sha256: SHA256Digest) {
        self.server = server
        self.manifest = manifest
        self.sha256 = sha256
    }
}

/// The beginning of an export:
///
///     ROOTCELLAR EXPORT 1 LF
///     <bytes of the header, decimal> SP <its SHA-256> LF
///     <header: JSON>
///     <every file, one after the other, in the order of the header>
///
/// The header is signed by nobody. What is in the files is verified as if a server had sent them.
struct ExportHeader: Document {
    static let title = "header of an export"
    var format = documentFormat
    var server: String
    var manifest: Int
    /// The manifest whose tree has everything that is left out here; nil if nothing is.
    var since: Int?
    var files: [File]

    /// One file of the tree.
    struct File: Codable, Sendable, Hashable {
        var path: String
        var size: Int
        var sha256: SHA256Digest
    }

    static let magic = Array("ROOTCELLAR EXPORT 1\n".utf8)
    /// The most bytes of a header.
    static let limit = 256 << 20

    init(server: String, manifest: Int, since: Int?, files: [File]) {
        self.server = server
        self.manifest = manifest
        self.since = since
        self.files = files
    }

    /// The header as it stands in the file.
    func bytes() throws(RootcellarError) -> [UInt8] {
        let header = try canonicalBytes()
        return Self.magic + Array("\(header.count) \(SHA256Digest(hashing: header))\n".utf8) + header
    }
}
