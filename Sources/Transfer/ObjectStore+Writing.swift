// SPDX-License-Identifier: Apache-2.0

package import Model

extension ObjectStore {
    /// Puts a small object in its place.
    ///
    /// - Throws: `TRANSPORT`, `POLICY` for what the store does not allow, `REPOSITORY` if there is no bucket.
    package func put(
        _ path: String,
        _ bytes: [UInt8],
        _ condition: Condition = .none
    ) throws(RootcellarError) -> Outcome {
        try put(path, .bytes(bytes), SHA256Digest(hashing: bytes), size: bytes.count, condition)
    }

    /// Puts a file in its place, in parts if it is big: what has arrived of a part that breaks is sent again, the others not.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading; its position does not matter.
    ///   - size: the file's.
    package func put(_ path: String, descriptor: Int32, size: Int) throws(RootcellarError) {
        try onPart?()
        guard size > partSize else {
            let piece = FilePiece(descriptor: descriptor, start: 0, count: size)
            let digest = try piece.digest(subject: path)
            let outcome = try put(
                path,
                size > StoreRequest.copyLimit ? .piece(piece) : .bytes(copy(piece, path)),
                digest,
                size: size,
                .none
            )
            guard case .stored = outcome else {
                throw RootcellarError(
                    .transport,
                    "the object store refuses a write without condition",
                    subject: address.name(of: path)
                )
            }
            return
        }
        let id = try begin(path)
        do throws(RootcellarError) {
            // A store takes at most 10 000 parts.
            let length = max(partSize, (size + 9999) / 10_000)
            var parts: [String] = []
            for start in stride(from: 0, to: size, by: length) {
                try onPart?()
                let piece = FilePiece(descriptor: descriptor, start: start, count: min(length, size - start))
                parts.append(try put(part: parts.count + 1, of: path, id, piece))
            }
            try end(path, id, parts, size: size)
        } catch {
            // What cannot be taken back now is found by `abortUploads` later.
            try? abort(address.url(of: path, query: [("uploadId", id)]), path)
            throw error
        }
    }

    /// Removes an object; one that is not there is fine.
    package func delete(_ path: String) throws(RootcellarError) {
        let (head, _) = try ask("DELETE", address.url(of: path))
        guard head.status != 200, head.status != 204 else { return }
        let refusal = StoreRefusal(status: head.status, body: head.refusal)
        guard refusal.isMissing else { throw refusal.error(address, address.name(of: path)) }
    }

    /// Ends every upload in parts that was begun below a path and never finished.
    package func abortUploads(below path: String) throws(RootcellarError) {
        var marker: [(String, String)] = []
        while true {
            let query = [("encoding-type", "url"), ("prefix", address.key(of: path)), ("uploads", "")] + marker
            let answer = try page("ListMultipartUploadsResult", query)
            for upload in answer.all("Upload") {
                guard let name = try key(upload, answer), let id = upload["UploadId"],
                    let path = address.path(ofKey: name)
                else { throw unusable("uploads") }
                try abort(address.url(of: path, query: [("uploadId", id)]), path)
            }
            guard answer["IsTruncated"] == "true" else { return }
            guard let next = try decoded(answer["NextKeyMarker"] ?? "", answer), !next.isEmpty else {
                throw unusable("uploads")
            }
            marker = [("key-marker", next), ("upload-id-marker", answer["NextUploadIdMarker"] ?? "")]
        }
    }

    // MARK: - Parts

    private func begin(_ path: String) throws(RootcellarError) -> String {
        let (head, body) = try ask(
            "POST",
            address.url(of: path, query: [("uploads", "")]),
            // Without a body there would be no length, which some stores ask for.
            body: .bytes([]),
            headers: fields(path)
        )
        try require(head, path)
        let answer = try document("InitiateMultipartUploadResult", body, status: head.status, address.name(of: path))
        guard let id = answer["UploadId"], (1...1024).contains(id.utf8.count) else { throw unusable("upload") }
        return id
    }

    private func put(
        part number: Int,
        of path: String,
        _ id: String,
        _ piece: FilePiece
    ) throws(RootcellarError) -> String {
        let url = address.url(of: path, query: [("partNumber", String(number)), ("uploadId", id)])
        let digest = try piece.digest(subject: path)
        let (head, _) = try ask("PUT", url, body: .piece(piece), digest: digest, size: piece.count)
        try require(head, path)
        guard let etag = head.etag else { throw unusable("part") }
        return etag
    }

    private func end(_ path: String, _ id: String, _ etags: [String], size: Int) throws(RootcellarError) {
        let parts = etags.enumerated().map { number, etag in
            "<Part><PartNumber>\(number + 1)</PartNumber><ETag>\(Self.escaped(etag))</ETag></Part>"
        }
        let text = "<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>"
        let bytes = Array(text.utf8)
        let (head, body) = try ask(
            "POST",
            address.url(of: path, query: [("uploadId", id)]),
            body: .bytes(bytes),
            digest: SHA256Digest(hashing: bytes),
            headers: ["Content-Type: application/xml"],
            // The store puts the parts together before it answers.
            size: size
        )
        // The answer to an earlier try may have been lost: then there is no such upload any more, but the object.
        if head.status == 404, try self.size(of: path) == size { return }
        try require(head, path)
        // Status 200 is sent before the store knows (CompleteMultipartUpload, AWS API reference).
        _ = try document("CompleteMultipartUploadResult", body, status: head.status, address.name(of: path))
    }

    private func abort(_ url: String, _ path: String) throws(RootcellarError) {
        let (head, _) = try ask("DELETE", url)
        guard head.status != 200, head.status != 204 else { return }
        let refusal = StoreRefusal(status: head.status, body: head.refusal)
        guard refusal.isMissing else { throw refusal.error(address, address.name(of: path)) }
    }

    // MARK: - Details

    private func put(
        _ path: String,
        _ body: StoreRequest.Body,
        _ digest: SHA256Digest,
        size: Int,
        _ condition: Condition
    ) throws(RootcellarError) -> Outcome {
        var fields = fields(path)
        switch condition {
        case .none: break
        case .absent: fields.append("If-None-Match: *")
        case .matches(let etag): fields.append("If-Match: \(etag)")
        }
        let (head, _) = try ask("PUT", address.url(of: path), body: body, digest: digest, headers: fields, size: size)
        if head.status == 200 {
            guard let etag = head.etag else { throw unusable("object") }
            return .stored(etag: etag)
        }
        let refusal = StoreRefusal(status: head.status, body: head.refusal)
        // An object that is to be the same as before is not there at all: some stores say 404 (AWS does).
        if condition != .none, refusal.isConditional || refusal.isMissing { return .refused }
        throw refusal.error(address, address.name(of: path))
    }

    /// What the store will say about the object.
    private func fields(_ path: String) -> [String] {
        let kind = FileKind(path.split(separator: "/").map(String.init))
        return ["Content-Type: \(kind.type)", "Cache-Control: \(kind.caching)"]
    }

    private func copy(_ piece: FilePiece, _ path: String) throws(RootcellarError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: max(1, piece.count))
        _ = piece.seek(to: 0)
        while bytes.count < piece.count {
            guard let got = unsafe buffer.withUnsafeMutableBytes({ unsafe piece.read(into: $0) }), got > 0 else {
                throw RootcellarError(.repository, "cannot be read, or has become shorter", subject: path)
            }
            bytes += buffer.prefix(got)
        }
        return bytes
    }

    private func require(_ head: ResponseHead, _ path: String) throws(RootcellarError) {
        guard head.status != 200 else { return }
        throw StoreRefusal(status: head.status, body: head.refusal).error(address, address.name(of: path))
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            default: result.append(character)
            }
        }
    }
}
