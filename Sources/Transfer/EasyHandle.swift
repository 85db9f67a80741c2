// SPDX-License-Identifier: Apache-2.0

import CCurl
import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One libcurl easy handle: it keeps connections open between requests, and every request sets all options anew, so
/// that nothing of one request leaks into the next.
@safe
final class EasyHandle {
    private let raw: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?

    /// `curl_global_init` runs once per process, before the first handle.
    private static let globalResult = ccurl_global_init()

    /// - Throws: `POLICY` if libcurl is too old, `INTERNAL` if it cannot start.
    init() throws(RootcellarError) {
        try CurlVersion.current.check()
        guard Self.globalResult == CURLE_OK, let raw = unsafe curl_easy_init() else {
            throw RootcellarError(.internal, "libcurl cannot start (out of memory?)")
        }
        unsafe self.raw = raw
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        unsafe curl_easy_cleanup(raw)
        unsafe curl_slist_free_all(headers)
        unsafe errorText.deallocate()
    }

    /// Forgets every option; connections stay open.
    func reset() throws(RootcellarError) {
        unsafe curl_easy_reset(raw)
        unsafe curl_slist_free_all(headers)
        unsafe headers = nil
        unsafe errorText[0] = 0
        try check(unsafe ccurl_set_error_buffer(raw, errorText), "CURLOPT_ERRORBUFFER")
        try check(unsafe ccurl_set_https_only(raw), "CURLOPT_PROTOCOLS_STR")
    }

    func set(_ option: CURLoption, _ value: Int) throws(RootcellarError) {
        try check(unsafe ccurl_set_long(raw, option, value), "option \(option.rawValue)")
    }

    /// Sets an option that is a wish: libcurl may refuse it, as it does the buffer size after some failed requests.
    func prefer(_ option: CURLoption, _ value: Int) {
        _ = unsafe ccurl_set_long(raw, option, value)
    }

    /// Sets a text option; nil means none, not the default.
    func set(_ option: CURLoption, _ value: String?) throws(RootcellarError) {
        let result =
            if let value { unsafe ccurl_set_text(raw, option, value) } else { unsafe ccurl_set_text(raw, option, nil) }
        try check(result, "option \(option.rawValue)")
    }

    /// Sets the request headers that are added to libcurl's own, as `Name: value`.
    func set(headers lines: [String]) throws(RootcellarError) {
        for line in lines {
            guard let list = unsafe curl_slist_append(headers, line) else {
                throw RootcellarError(.internal, "out of memory")
            }
            unsafe headers = list
        }
        try check(unsafe ccurl_set_list(raw, CURLOPT_HTTPHEADER, headers), "CURLOPT_HTTPHEADER")
    }

    /// Makes the request one with a body. It is copied.
    func set(method: String, body: [UInt8]) throws(RootcellarError) {
        // An empty body needs an address, too: none would mean that it is read from a callback.
        let padded = body + [0]
        let result = unsafe padded.withUnsafeBytes { bytes in
            unsafe ccurl_set_body(raw, method, bytes.baseAddress, curl_off_t(body.count))
        }
        try check(result, "a body of \(body.count) bytes")
    }

    /// Makes the request one with this method and without a body.
    func set(method: String) throws(RootcellarError) { try set(CURLOPT_CUSTOMREQUEST, method) }

    /// Makes the request one that sends a piece of a file, which has to outlive it.
    func set(method: String, body: FilePiece) throws(RootcellarError) {
        let context = unsafe Unmanaged.passUnretained(body).toOpaque()
        let result = unsafe ccurl_set_upload(
            raw,
            { bytes, size, count, context in
                guard let bytes = unsafe bytes, let context = unsafe context else { return Int(CURL_READFUNC_ABORT) }
                let piece = unsafe Unmanaged<FilePiece>.fromOpaque(context).takeUnretainedValue()
                let room = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
                return unsafe piece.read(into: room) ?? Int(CURL_READFUNC_ABORT)
            },
            { context, offset, origin in
                guard let context = unsafe context, origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
                let piece = unsafe Unmanaged<FilePiece>.fromOpaque(context).takeUnretainedValue()
                return piece.seek(to: Int(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
            },
            context,
            curl_off_t(body.count)
        )
        try check(result, "a body of \(body.count) bytes")
        try set(CURLOPT_CUSTOMREQUEST, method)
        // A store that refuses says so before the bytes are sent; one that does not know the question costs this long.
        try set(CURLOPT_EXPECT_100_TIMEOUT_MS, 300)
    }

    /// Lets libcurl sign the request, AWS Signature Version 4.
    func sign(_ credentials: StoreCredentials, region: String) throws(RootcellarError) {
        let result = unsafe ccurl_set_signature(
            raw,
            "aws:amz:\(region):s3",
            credentials.accessKey,
            credentials.secretKey
        )
        try check(result, "CURLOPT_AWS_SIGV4")
    }

    /// Runs one request; `exchange` gets what arrives.
    func perform(_ exchange: Exchange) throws(RootcellarError) -> CURLcode {
        let context = unsafe Unmanaged.passUnretained(exchange).toOpaque()
        try check(
            unsafe ccurl_set_header(
                raw,
                { bytes, size, count, context in
                    guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                    let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                    return exchange.takeHeader(unsafe line.bytes) ? size * count : 0
                },
                context
            ),
            "CURLOPT_HEADERFUNCTION"
        )
        try check(
            unsafe ccurl_set_write(
                raw,
                { bytes, size, count, context in
                    guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                    let body = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                    return exchange.takeBody(unsafe body.bytes) ? size * count : 0
                },
                context
            ),
            "CURLOPT_WRITEFUNCTION"
        )
        try check(
            unsafe ccurl_set_progress(
                raw,
                { context, _, _, _, _ in
                    guard let context = unsafe context else { return 1 }
                    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                    return exchange.mustStop ? 1 : 0
                },
                context
            ),
            "CURLOPT_XFERINFOFUNCTION"
        )
        return withExtendedLifetime(exchange) { unsafe curl_easy_perform(raw) }
    }

    /// What libcurl said about the last request that failed.
    func text(of code: CURLcode) -> String {
        let detail = unsafe String(cString: errorText)
        if !detail.isEmpty { return trimmed(detail.split(whereSeparator: \.isNewline).joined(separator: " ")) }
        return unsafe curl_easy_strerror(code).map { unsafe String(cString: $0) } ?? "libcurl error \(code.rawValue)"
    }

    /// The status with which a proxy answered CONNECT; 0 if there was none.
    var proxyStatus: Int {
        var status = 0
        return unsafe ccurl_get_long(raw, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK ? status : 0
    }

    /// How many seconds the server asked to wait, as number or date; nil if it did not.
    var retryAfter: Duration? {
        var seconds: curl_off_t = 0
        guard unsafe ccurl_get_offset(raw, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK, seconds > 0 else { return nil }
        return .seconds(Int64(seconds))
    }

    /// An option that libcurl does not take is never let pass: without it a request would be less strict than meant.
    private func check(_ result: CURLcode, _ what: String) throws(RootcellarError) {
        guard result != CURLE_OK else { return }
        throw RootcellarError(.internal, "libcurl refuses \(what) (error \(result.rawValue))")
    }
}
