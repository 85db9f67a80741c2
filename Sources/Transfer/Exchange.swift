// SPDX-License-Identifier: Apache-2.0

import Model

/// One request and what arrives for it: decides by the head what to do with the body, counts every byte, and stops the
/// transfer at the first thing that is not as it must be.
final class Exchange {
    /// What is asked for, and what an answer may be.
    struct Request {
        var url: String
        /// The exact size of the whole file, if it is known.
        var size: Int?
        /// The most bytes that a body may have where the size is not known.
        var limit: Int
        /// The first byte that is wanted; what comes before it is skipped if the whole file comes.
        var start = 0
        /// Whether the request has a `Range` header.
        var isRanged = false
        /// The strong entity tag that an earlier answer for the same file had.
        var etag: String?
        /// Whether the request is conditional, so that 304 is an answer.
        var isConditional = false
        /// What is sent, by PUT; then every answer that does not ask for another try is taken as it is.
        var body: [UInt8]?
        /// What an object store is asked beside, or instead of, a plain GET.
        var store: StoreRequest?
    }

    private enum Body {
        case undecided
        case deliver
        case discard
        /// What a store says about a refusal.
        case refusal
    }

    /// Bytes of all headers of one exchange, interim answers and trailers included, beyond which it is a flood.
    static let headerLimit = 64 << 10
    /// Bytes of a body that nobody wants (error pages) which are read to keep the connection; more ends it.
    static let discardLimit = 64 << 10

    let request: Request
    private(set) var head = ResponseHead()
    /// Bytes that went to the sink.
    private(set) var delivered = 0
    /// Bytes of a wanted body that arrived, skipped ones included.
    private(set) var received = 0
    /// Set by whoever stopped the transfer; then libcurl's own code says nothing.
    private(set) var fault: Fault?
    /// What came with an answer that is none of those that were hoped for.
    private(set) var refusal: [UInt8] = []

    private let sink: (RawSpan) throws(RootcellarError) -> Void
    private let shouldStop: (() -> Bool)?
    private var body = Body.undecided
    private var headerBytes = 0
    private var discarded = 0
    private var skip = 0
    private var expected: Int?

    init(
        _ request: Request,
        shouldStop: (() -> Bool)?,
        sink: @escaping (RawSpan) throws(RootcellarError) -> Void
    ) {
        self.request = request
        self.shouldStop = shouldStop
        self.sink = sink
    }

    /// Whether the whole body that was expected has arrived. What the connection did afterwards does not matter: the
    /// bytes are hashed by whoever takes them.
    var isWhole: Bool { body == .deliver && expected == received }

    /// Whether the answer was complete enough to be judged by its status alone.
    var isDiscarded: Bool { body == .discard && head.isComplete }

    var mustStop: Bool { shouldStop?() ?? false }

    /// Takes a line of the head; false stops the transfer.
    func takeHeader(_ line: RawSpan) -> Bool {
        headerBytes += line.byteCount
        guard headerBytes <= Self.headerLimit else {
            return stop(.transport, "more than \(Self.headerLimit) bytes of headers")
        }
        guard !head.isComplete else { return true }
        head.take(line: unsafe line.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
        return head.isComplete ? judge() : true
    }

    /// Takes a piece of the body; false stops the transfer.
    func takeBody(_ bytes: RawSpan) -> Bool {
        switch body {
        case .undecided:
            return stop(.transport, "a body without a head")
        case .discard:
            discarded += bytes.byteCount
            return discarded <= Self.discardLimit
        case .refusal:
            unsafe bytes.withUnsafeBytes { unsafe refusal.append(contentsOf: $0) }
            return refusal.count <= Self.discardLimit
        case .deliver:
            received += bytes.byteCount
            guard received <= expected ?? request.limit else {
                return stop(.size, "more than \(expected ?? request.limit) bytes")
            }
            let skipped = min(skip, bytes.byteCount)
            skip -= skipped
            guard skipped < bytes.byteCount else { return true }
            do {
                try sink(bytes.extracting(skipped..<bytes.byteCount))
            } catch {
                fault = Fault(error)
                return false
            }
            delivered += bytes.byteCount - skipped
            return true
        }
    }

    /// What is wrong with a body that libcurl holds for complete; nil if nothing is.
    func shortfall() -> Fault? {
        guard let expected, received < expected else { return nil }
        let error = RootcellarError(.size, "\(received) bytes where \(expected) were expected", subject: request.url)
        // Without a length or chunks the end of the connection is the end of the body, which a broken one looks like.
        return Fault(error, head.contentLength == nil && !head.isChunked ? .again(after: nil) : .none)
    }

    /// Decides by the complete head.
    private func judge() -> Bool {
        if head.status == 200 || head.status == 206, let flaw = head.flaw {
            return stop(.transport, "unusable answer (\(flaw))")
        }
        if request.body != nil, !isTemporary(head.status) {
            guard !head.isRedirect else { return stop(.transport, "the server sends uploads elsewhere") }
            expected = head.contentLength
            guard expected ?? 0 <= request.limit else { return stop(.transport, "an answer that is too long") }
            body = .deliver
            return true
        }
        if request.store != nil, !isTemporary(head.status), ![200, 206, 304, 416].contains(head.status) {
            body = head.status == 204 ? .discard : .refusal
            return true
        }
        switch head.status {
        case 200:
            if let length = head.contentLength {
                if let size = request.size, length != size {
                    return stop(.size, "\(length) bytes are offered where \(size) were expected")
                }
                guard length <= request.limit || request.size != nil else {
                    return stop(.size, "\(length) bytes are offered where at most \(request.limit) are taken")
                }
            }
            expected = request.size ?? head.contentLength
            skip = request.start
            body = .deliver
        case 206 where request.isRanged:
            guard let size = request.size,
                head.contentRange == ContentRange(first: request.start, last: size - 1, total: size),
                head.contentLength ?? (size - request.start) == size - request.start,
                request.etag == nil || head.etag == nil || head.etag == request.etag
            else { return stop(.transport, "the server sends another range than it was asked for", .wholeFile) }
            expected = size - request.start
            body = .deliver
        case 416 where request.isRanged:
            return stop(.transport, "the server does not have the range it was asked for", .wholeFile)
        case 304 where request.isConditional, 404, 410, 301, 302, 303, 307, 308:
            body = .discard
        case let status where isTemporary(status):
            body = .discard
        case 401, 403:
            return stop(
                .transport,
                "the server wants to know who asks",
                hint: "a token, as 'token-file', or a client certificate that its operator knows"
            )
        default:
            return stop(.transport, "an answer that is of no use")
        }
        return true
    }

    private func stop(
        _ errorClass: ErrorClass,
        _ reason: String,
        _ remedy: Fault.Remedy = .none,
        hint: String? = nil
    ) -> Bool {
        let status = head.status == 0 ? "" : ", HTTP status \(head.status)"
        fault = Fault(RootcellarError(errorClass, reason + status, subject: request.url, hint: hint), remedy)
        return false
    }
}
