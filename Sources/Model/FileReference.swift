// SPDX-License-Identifier: Apache-2.0

/// The exact bytes of a file: their number and their SHA-256.
package struct FileReference: Codable, Sendable, Hashable {
    /// Bytes.
    package var size: Int
    /// SHA-256 of all of them.
    package var sha256: SHA256Digest

    /// A reference of known size and hash.
    package init(size: Int, sha256: SHA256Digest) {
        self.size = size
        self.sha256 = sha256
    }

    /// A reference to `bytes`.
    package init(of bytes: [UInt8]) { self.init(size: bytes.count, sha256: SHA256Digest(hashing: bytes)) }

    /// Checks that `bytes` are the referenced ones.
    ///
    /// - Throws: `SIZE` or `HASH`.
    package func check(_ bytes: [UInt8], subject: String) throws(RootcellarError) {
        guard bytes.count == size else {
            throw RootcellarError(.size, "\(bytes.count) bytes where \(size) are signed", subject: subject)
        }
        let found = SHA256Digest(hashing: bytes)
        guard found == sha256 else {
            throw RootcellarError(.hash, "SHA-256 is \(found), signed is \(sha256)", subject: subject)
        }
    }
}
