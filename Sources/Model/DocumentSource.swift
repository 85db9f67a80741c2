// SPDX-License-Identifier: Apache-2.0

/// Where the small documents of a published tree can be asked for: a server, a directory, a file that was carried over.
/// Nothing that comes from one is believed for that.
package protocol DocumentSource {
    /// The source as a whole, for messages.
    var address: String { get }

    /// A file of the tree as it is called in messages.
    func url(of path: String) -> String

    /// Reads a small file into memory.
    ///
    /// - Parameters:
    ///   - path: relative to the top of the tree.
    ///   - limit: the most bytes that are taken.
    ///   - exactSize: the signed size where it is known; the file has that many bytes or is refused.
    ///   - etag: what `found` gave last time; asks for `notModified` if nothing has changed.
    func get(_ path: String, limit: Int, exactSize: Int?, etag: String?) throws(RootcellarError) -> GetResult
}

/// Where a whole tree can be had from.
package protocol TreeSource: DocumentSource {
    /// Delivers the bytes of a big file of exactly `size` bytes, from `offset` to its end, in order and each once.
    func stream(
        _ path: String,
        from offset: Int,
        size: Int,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError)
}

extension DocumentSource {
    /// A small file that is signed as published, by size and hash.
    ///
    /// - Throws: `TRANSPORT` if it is not there, `SIZE` or `HASH`.
    package func file(_ path: String, _ reference: FileReference) throws(RootcellarError) -> [UInt8] {
        try file(path, reference, get(path, limit: reference.size, exactSize: reference.size, etag: nil))
    }

    /// The same, of the answer to a request for it.
    package func file(
        _ path: String,
        _ reference: FileReference,
        _ answer: GetResult
    ) throws(RootcellarError) -> [UInt8] {
        let url = url(of: path)
        guard case .found(let bytes, _) = answer else {
            throw RootcellarError(
                .transport,
                "a file that is signed as published is not there",
                subject: url,
                hint: "the server or mirror may be in the middle of an update; try again"
            )
        }
        try reference.check(bytes, subject: url)
        return bytes
    }
}
