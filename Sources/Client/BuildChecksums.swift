// SPDX-License-Identifier: Apache-2.0

import Model
import Transfer

/// The signed `SHA256SUMS` of a build, which bind its files to each other, and its signed description, which binds them
/// to a name: a signature beside a single file says only who made it, not what it is.
struct BuildChecksums {
    let hashes: [String: SHA256Digest]

    /// - Throws: `BINDING` for a line that is none of sha256sum(1).
    init(_ bytes: [UInt8], subject: String) throws(RootcellarError) {
        var hashes: [String: SHA256Digest] = [:]
        for line in bytes.split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self)
            guard let digest = SHA256Digest(hex: String(text.prefix(64))), text.dropFirst(64).hasPrefix("  "),
                hashes.updateValue(digest, forKey: String(text.dropFirst(66))) == nil
            else { throw RootcellarError(.binding, "not a list of checksums", subject: subject) }
        }
        self.hashes = hashes
    }

    /// Reads those of a build as far as the server has them; nil if it has none.
    ///
    /// - Throws: `SIGNATURE`, `BINDING` if the description is of another image, `HASH`.
    init?(of build: PlainBuild, over session: PlainSession) throws(RootcellarError) {
        guard session.signatures != nil, let directory = build.directory else { return nil }
        let path = "\(directory)/SHA256SUMS"
        guard let bytes = try session.signed(path, limit: 1 << 20) else { return nil }
        try self.init(bytes, subject: session.url(path))
        guard let digest = hashes[ImageDocument.fileName] else { return }
        let description = "\(directory)/\(ImageDocument.fileName)"
        // Its hash is signed, so it needs no signature of its own.
        guard case .found(let document, _) = try session.http.get(description, limit: ImageDocument.limit),
            SHA256Digest(hashing: document) == digest
        else {
            throw RootcellarError(.hash, "not the description of this build", subject: session.url(description))
        }
        let image = try ImageDocument(verified: document, subject: session.url(description))
        guard try image.name() == build.name, image.serial.description == build.serial else {
            throw RootcellarError(
                .binding,
                "this is the build \(image.serial) of \(try image.name())",
                subject: session.url(description)
            )
        }
    }

    /// A file of the build, with its hash.
    ///
    /// - Throws: `BINDING` if the checksums do not have it.
    func bind(_ file: PlainBuild.File) throws(RootcellarError) -> PlainBuild.File {
        let name = file.path.split(separator: "/").last.map(String.init) ?? ""
        guard let digest = hashes[name] else {
            throw RootcellarError(.binding, "the build's checksums do not have this file", subject: file.path)
        }
        return PlainBuild.File(path: file.path, size: file.size, sha256: digest)
    }
}
