// SPDX-License-Identifier: Apache-2.0

package import Model

/// A tree's objects in a store of the S3 kind: blocking, one request at a time, the connection kept open between them.
///
/// Every request is signed by libcurl, every body is named by its SHA-256 in the signature, so that the store takes no other
/// bytes, and whatever fails for a moment is tried again. What is read is not trusted: its contents are for the caller to verify.
package final class ObjectStore {
    package let address: StoreAddress
    /// Bytes of a file from which on it is sent in parts, and of each part; a store takes no smaller ones than 5 MiB.
    package var partSize = 16 << 20
    /// Called before each file and each part of one.
    package var onPart: (() throws(RootcellarError) -> Void)?

    let session: HTTPSession
    let credentials: StoreCredentials

    /// What must hold for a write.
    package enum Condition: Sendable, Equatable {
        case none
        /// There is no such object.
        case absent
        /// The object is still the one of this entity tag.
        case matches(String)
    }

    /// What became of a write.
    package enum Outcome: Sendable, Equatable {
        case stored(etag: String)
        /// The condition does not hold. Also said where it was this very write, of which the answer was lost, that
        /// changed it.
        case refused
    }

    /// The oldest libcurl whose signatures such stores accept, of Debian 12.
    private static let minimumCurl: UInt32 = 0x07_58_00

    /// No connection is made yet.
    ///
    /// - Throws: `POLICY` if libcurl is too old.
    package init(
        _ address: StoreAddress,
        credentials: StoreCredentials,
        options: TransferOptions = TransferOptions()
    ) throws(RootcellarError) {
        guard CurlVersion.current.number >= Self.minimumCurl else {
            throw RootcellarError(
                .policy,
                "libcurl is too old for object storage",
                subject: CurlVersion.current.version,
                hint: "install libcurl 7.88.0 or newer"
            )
        }
        self.address = address
        self.credentials = credentials
        session = try HTTPSession(server: address.endpoint, options: options)
    }

    // MARK: - Reading

    /// Reads a small object into memory.
    ///
    /// - Parameter etag: what `found` gave last time; asks for `notModified` if nothing has changed.
    /// - Throws: `TRANSPORT`, `SIZE`, `POLICY` for what the store does not allow, `REPOSITORY` if there is no bucket.
    package func get(
        _ path: String,
        limit: Int,
        exactSize: Int? = nil,
        etag: String? = nil
    ) throws(RootcellarError) -> GetResult {
        let url = address.url(of: path)
        guard exactSize ?? 0 <= limit else {
            throw RootcellarError(.size, "\(exactSize ?? 0) bytes where at most \(limit) are taken", subject: url)
        }
        let deadline = Deadline(after: session.options.allowance(size: exactSize ?? limit))
        var bytes: [UInt8] = []
        let head = try session.withTries(url: url, deadline: deadline) { _ throws(Fault) in
            bytes = []
            var request = Exchange.Request(url: url, size: exactSize, limit: limit)
            request.store = store("GET")
            request.isConditional = etag != nil
            let condition = etag.map { ["If-None-Match: \($0)"] } ?? []
            return try session.follow(request, headers: headers(Self.nothing) + condition, deadline: deadline) {
                span throws(RootcellarError) in
                unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            } observe: { _ in
            }
        }
        switch head.status {
        case 200: return .found(bytes: bytes, etag: head.etag)
        case 304: return .notModified
        default:
            let refusal = StoreRefusal(status: head.status, body: head.refusal)
            guard refusal.isMissing else { throw refusal.error(address, address.name(of: path)) }
            return .missing
        }
    }

    /// Delivers the bytes of an object of exactly `size` bytes in order and each once. A connection that breaks is made again
    /// and goes on where it broke.
    ///
    /// - Throws: `TRANSPORT` (also if there is no such object), `SIZE`, and what `sink` throws.
    package func stream(
        _ path: String,
        size: Int,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        guard size > 0 else { return }
        let url = address.url(of: path)
        let deadline = Deadline(after: session.options.allowance(size: size))
        var position = 0
        var etag: String?
        try session.withTries(url: url, deadline: deadline) { mayRange throws(Fault) in
            var request = Exchange.Request(url: url, size: size, limit: size, start: position)
            request.store = store("GET")
            var lines = headers(Self.nothing)
            if position > 0, mayRange {
                request.isRanged = true
                request.etag = etag
                lines.append("Range: bytes=\(position)-")
                if let etag { lines.append("If-Match: \(etag)") }
            }
            let head = try session.follow(request, headers: lines, deadline: deadline) { span throws(RootcellarError) in
                try sink(span)
                position += span.byteCount
            } observe: { head in
                if head.status == 200 { etag = head.strongETag }
            }
            guard head.status == 200 || head.status == 206 else {
                let refusal = StoreRefusal(status: head.status, body: head.refusal)
                throw Fault(refusal.error(address, address.name(of: path)))
            }
        }
    }

    // MARK: - One request

    /// The hash of an empty body.
    static let nothing = SHA256Digest(hashing: [])

    func store(_ method: String, _ body: StoreRequest.Body = .none) -> StoreRequest {
        StoreRequest(method: method, body: body, credentials: credentials, region: address.region)
    }

    func headers(_ digest: SHA256Digest) -> [String] {
        ["x-amz-content-sha256: \(digest)"] + (credentials.sessionToken.map { ["x-amz-security-token: \($0)"] } ?? [])
    }

    /// Asks, as often as it is worth it.
    ///
    /// - Returns: the head of an answer that is final, and the body of one with status 200.
    func ask(
        _ method: String,
        _ url: String,
        body: StoreRequest.Body = .none,
        digest: SHA256Digest = nothing,
        headers more: [String] = [],
        size: Int = 0
    ) throws(RootcellarError) -> (head: ResponseHead, body: [UInt8]) {
        let deadline = Deadline(after: session.options.allowance(size: size + (1 << 20)))
        var bytes: [UInt8] = []
        let head = try session.withTries(url: url, deadline: deadline) { _ throws(Fault) in
            bytes = []
            var request = Exchange.Request(url: url, limit: MarkupElement.sizeLimit)
            request.store = store(method, body)
            return try session.follow(request, headers: headers(digest) + more, deadline: deadline) {
                span throws(RootcellarError) in
                unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            } observe: { _ in
            }
        }
        return (head, bytes)
    }

    /// The answer that must be one of the store's documents.
    func document(
        _ name: String,
        _ bytes: [UInt8],
        status: Int,
        _ subject: String
    ) throws(RootcellarError) -> MarkupElement {
        guard let element = MarkupElement(reading: bytes) else {
            throw RootcellarError(.transport, "an answer of the object store that cannot be read", subject: subject)
        }
        guard element.name == name else {
            throw StoreRefusal(status: status, body: bytes).error(address, subject)
        }
        return element
    }
}
