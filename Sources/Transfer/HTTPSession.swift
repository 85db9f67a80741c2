// SPDX-License-Identifier: Apache-2.0

import CCurl
package import Model

/// Downloads from one server over HTTPS: blocking, one request at a time, the connection kept open between them.
///
/// What arrives is not trusted: sizes are enforced here, contents are for the caller to verify.
package final class HTTPSession {
    /// The server that paths are relative to.
    package let server: ServerAddress
    /// Called with the number of bytes that `stream` has delivered so far.
    package var onProgress: ((Int) -> Void)?
    /// Asked at least once a second; true ends the transfer with `TRANSPORT`.
    package var shouldStop: (() -> Bool)?
    /// How many times a file is asked for, if not as often as the options say: less where there is another server.
    package var tries: Int?

    let options: TransferOptions
    private let handle: EasyHandle

    /// A session; no connection is made yet.
    ///
    /// - Throws: `POLICY` if libcurl is too old.
    package init(server: ServerAddress, options: TransferOptions = TransferOptions()) throws(RootcellarError) {
        self.server = server
        self.options = options
        handle = try EasyHandle()
    }

    /// Reads a small file into memory.
    ///
    /// - Parameters:
    ///   - path: relative to the server's address.
    ///   - limit: the most bytes that are taken.
    ///   - exactSize: the signed size where it is known; the file has that many bytes or is refused.
    ///   - etag: what `found` gave last time; asks for `notModified` if nothing has changed.
    /// - Throws: `TRANSPORT`, `SIZE`, or `BINDING` if `path` is not one.
    package func get(
        _ path: String,
        limit: Int,
        exactSize: Int? = nil,
        etag: String? = nil
    ) throws(RootcellarError) -> GetResult {
        try checkTreePath(path)
        let url = server.url(of: path)
        guard exactSize ?? 0 <= limit else {
            throw RootcellarError(.size, "\(exactSize ?? 0) bytes where at most \(limit) are taken", subject: url)
        }
        let deadline = Deadline(after: options.allowance(size: exactSize ?? limit))
        return try withTries(url: url, deadline: deadline) { _ throws(Fault) in
            var bytes: [UInt8] = []
            var headers: [String] = []
            var request = Exchange.Request(url: url, size: exactSize, limit: limit)
            if let etag, !etag.isEmpty, etag.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
                headers.append("If-None-Match: \(etag)")
                request.isConditional = true
            }
            let head = try follow(request, headers: headers, deadline: deadline) { span throws(RootcellarError) in
                unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            } observe: { _ in
            }
            switch head.status {
            case 200: return .found(bytes: bytes, etag: head.etag)
            case 304: return .notModified
            default: return .missing
            }
        }
    }

    /// Delivers the bytes of a big file of exactly `size` bytes, from `offset` to its end, in order and each once. A
    /// connection that breaks is made again and goes on where it broke.
    ///
    /// - Parameter sink: takes each piece while it lies in the receive buffer; what it throws ends the transfer.
    /// - Throws: `TRANSPORT` (also if there is no such file), `SIZE`, `BINDING` if `path` is not one, and what `sink`
    ///   throws.
    package func stream(
        _ path: String,
        from offset: Int = 0,
        size: Int,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        try checkTreePath(path)
        let url = server.url(of: path)
        guard offset >= 0, offset <= size else {
            throw RootcellarError(.internal, "offset \(offset) in a file of \(size) bytes", subject: url)
        }
        guard offset < size else { return }
        let deadline = Deadline(after: options.allowance(size: size - offset))
        var position = offset
        var etag: String?
        let onProgress = self.onProgress
        try withTries(url: url, deadline: deadline) { mayRange throws(Fault) in
            var headers: [String] = []
            var request = Exchange.Request(url: url, size: size, limit: size, start: position)
            if position > 0, mayRange {
                request.isRanged = true
                request.etag = etag
                headers.append("Range: bytes=\(position)-")
                if let etag { headers.append("If-Range: \(etag)") }
            }
            let head = try follow(request, headers: headers, deadline: deadline) { span throws(RootcellarError) in
                try sink(span)
                position += span.byteCount
                onProgress?(position - offset)
            } observe: { head in
                if head.status == 200 { etag = head.strongETag }
            }
            guard head.status == 200 || head.status == 206 else {
                throw Fault(
                    RootcellarError(.transport, "no such file on the server, HTTP status \(head.status)", subject: url)
                )
            }
        }
    }

    // MARK: - Tries

    /// Runs `body` until it succeeds, another try cannot help, or the budget is used up. `body` is told whether it may
    /// use ranges.
    func withTries<Result>(
        url: String,
        deadline: Deadline,
        _ body: (_ mayRange: Bool) throws(Fault) -> Result
    ) throws(RootcellarError) -> Result {
        var mayRange = true
        var attempt = 1
        while true {
            let fault: Fault
            do throws(Fault) {
                return try body(mayRange)
            } catch {
                fault = error
            }
            func final(_ why: String) -> RootcellarError {
                guard attempt > 1 || fault.remedy != .none else { return fault.error }
                let error = fault.error
                return RootcellarError(
                    error.errorClass,
                    "\(error.reason), \(why)",
                    subject: error.subject,
                    hint: error.hint
                )
            }
            let wait: Duration
            switch fault.remedy {
            case .none:
                throw final("try \(attempt)")
            case .wholeFile:
                guard mayRange else { throw final("try \(attempt)") }
                mayRange = false
                wait = .zero
            case .again(let asked):
                let jitter = options.backoff(after: attempt) * Double.random(in: 0...1)
                wait = max(asked ?? .zero, jitter)
                guard asked ?? .zero <= options.retryAfterCap else {
                    throw final("the server asks to wait \((asked ?? .zero).components.seconds) s")
                }
            }
            guard attempt < tries ?? options.tries else {
                throw attempt == 1 ? fault.error : final("after \(attempt) tries")
            }
            guard wait < deadline.remaining else { throw final("no time left for another try") }
            guard pause(wait, unless: shouldStop) else {
                throw RootcellarError(.transport, "interrupted", subject: url)
            }
            attempt += 1
        }
    }

    // MARK: - One answer

    /// Asks, and follows redirects: each hop is checked before anything is sent there, which libcurl's own following
    /// would not do for us.
    func follow(
        _ request: Exchange.Request,
        headers: [String],
        deadline: Deadline,
        sink: (RawSpan) throws(RootcellarError) -> Void,
        observe: (ResponseHead) -> Void
    ) throws(Fault) -> ResponseHead {
        var request = request
        let first = request.url
        options.onRequest?(first)
        var hops = 0
        while true {
            let head = try perform(request, headers: headers, deadline: deadline, sink: sink, observe: observe)
            // A signature is for one host: a store that answers so is not followed.
            guard head.isRedirect, request.store == nil else { return head }
            hops += 1
            guard hops <= options.maxRedirects else {
                throw Fault(
                    RootcellarError(.transport, "more than \(options.maxRedirects) redirects", subject: first)
                )
            }
            do throws(RootcellarError) {
                request.url = try redirectTarget(head.location ?? "", from: request.url)
            } catch {
                throw Fault(error)
            }
        }
    }

    private func perform(
        _ request: Exchange.Request,
        headers: [String],
        deadline: Deadline,
        sink: (RawSpan) throws(RootcellarError) -> Void,
        observe: (ResponseHead) -> Void
    ) throws(Fault) -> ResponseHead {
        // libcurl calls the sink only while `curl_easy_perform` runs, so that it does not outlive this call.
        try withoutActuallyEscaping(sink) { sink throws(Fault) in
            let exchange = Exchange(request, shouldStop: shouldStop, sink: sink)
            let code: CURLcode
            do throws(RootcellarError) {
                try configure(request.url, headers: headers, isSigned: request.store != nil, deadline: deadline)
                if let body = request.body { try handle.set(method: "PUT", body: body) }
                try request.store?.apply(to: handle)
                code = try handle.perform(exchange)
            } catch {
                throw Fault(error)
            }
            observe(exchange.head)
            if let fault = exchange.fault { throw fault }
            if exchange.isWhole { return exchange.head }
            if request.store != nil, code == CURLE_OK, exchange.head.isComplete, !exchange.refusal.isEmpty {
                var head = exchange.head
                head.refusal = exchange.refusal
                return head
            }
            if exchange.isDiscarded {
                guard isTemporary(exchange.head.status) else { return exchange.head }
                throw Fault(
                    RootcellarError(
                        .transport,
                        "the server cannot answer now, HTTP status \(exchange.head.status)",
                        subject: request.url
                    ),
                    .again(after: handle.retryAfter)
                )
            }
            guard code == CURLE_OK else {
                throw curlFault(
                    code,
                    text: handle.text(of: code),
                    url: request.url,
                    status: exchange.head.status,
                    proxyStatus: handle.proxyStatus,
                    viaProxy: options.usesProxy
                )
            }
            if let fault = exchange.shortfall() { throw fault }
            guard exchange.head.isComplete else {
                throw Fault(RootcellarError(.transport, "no answer", subject: request.url), .again(after: nil))
            }
            return exchange.head
        }
    }

    /// Every option of a request. Where the default is already what is wanted it is set all the same if safety hangs
    /// on it: defaults differ between versions.
    private func configure(
        _ url: String,
        headers: [String],
        isSigned: Bool,
        deadline: Deadline
    ) throws(RootcellarError) {
        guard !deadline.hasPassed else { throw RootcellarError(.transport, "no time left", subject: url) }
        try handle.reset()
        try handle.set(CURLOPT_URL, url)
        try handle.set(CURLOPT_NOSIGNAL, 1)
        try handle.set(CURLOPT_HTTPGET, 1)
        // One file at a time gains nothing from HTTP/2, whose framing costs time on bulk data.
        try handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try handle.set(CURLOPT_HTTP09_ALLOWED, 0)
        handle.prefer(CURLOPT_BUFFERSIZE, 512 << 10)
        try handle.set(CURLOPT_USERAGENT, options.userAgent)
        let isOurs = url.hasPrefix(server.url + "/")
        let authorization = isOurs ? options.token.map { ["Authorization: Bearer \($0.secret)"] } ?? [] : []
        // Everything here is part of a signature; gateways before stores are known to change this one.
        let plain = isSigned ? [] : ["Accept-Encoding: identity"]
        try handle.set(headers: plain + authorization + headers)
        // A proxy's answer to CONNECT has nothing to do with them.
        try handle.set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        try handle.set(CURLOPT_HTTP_CONTENT_DECODING, 0)

        try handle.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        try handle.set(CURLOPT_SSL_VERIFYPEER, 1)
        try handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        if let caFile = options.caFile {
            // Without the second line the system's directory of authorities would be accepted as well.
            try handle.set(CURLOPT_CAINFO, caFile)
            try handle.set(CURLOPT_CAPATH, nil)
        }

        if let certificate = options.clientCertificate, isOurs {
            try handle.set(CURLOPT_SSLCERT, certificate)
            try handle.set(CURLOPT_SSLKEY, options.clientKey ?? certificate)
        }

        try handle.set(CURLOPT_FOLLOWLOCATION, 0)
        try handle.set(CURLOPT_UNRESTRICTED_AUTH, 0)
        try handle.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        try handle.set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let proxy = options.proxy {
            try handle.set(CURLOPT_PROXY, proxy)
        } else if TransferOptions.isElevated {
            // The environment of a program with raised privileges is its caller's, not its owner's.
            try handle.set(CURLOPT_PROXY, "")
        }

        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, options.connectTimeout.milliseconds)
        try handle.set(CURLOPT_LOW_SPEED_LIMIT, options.lowSpeedLimit)
        try handle.set(CURLOPT_LOW_SPEED_TIME, Int(options.lowSpeedTime.components.seconds))
        try handle.set(CURLOPT_TIMEOUT_MS, max(1, deadline.remaining.milliseconds))
    }
}
