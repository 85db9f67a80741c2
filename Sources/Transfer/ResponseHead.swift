// SPDX-License-Identifier: Apache-2.0

/// Status line and headers of one answer, line by line as libcurl hands them over. Interim answers (1xx) are passed
/// over, and so are trailers.
struct ResponseHead: Equatable {
    /// The status; 0 before the status line came.
    private(set) var status = 0
    /// Whether the empty line after the final answer's headers was seen.
    private(set) var isComplete = false
    private(set) var contentLength: Int?
    /// The range of a 206 answer if there is exactly one and it is of the useful form.
    private(set) var contentRange: ContentRange?
    private var hasContentRange = false
    private(set) var isChunked = false
    private(set) var etag: String?
    private(set) var location: String?
    /// The first thing that forbids to use the answer's body.
    private(set) var flaw: String?
    /// What an object store has said about its refusal.
    var refusal: [UInt8] = []

    init() {}

    /// Takes one line with its line end.
    mutating func take(line: String) {
        guard !isComplete else { return }
        let text = line.utf8.last == 0x0A ? String(line.unicodeScalars.dropLast(line.hasSuffix("\r\n") ? 2 : 1)) : line
        if text.hasPrefix("HTTP/") {
            self = ResponseHead()
            let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            status = words.count > 1 && words[1].utf8.count == 3 ? decimalNumber(words[1]) ?? 0 : 0
        } else if text.isEmpty {
            isComplete = status >= 200
        } else if text.hasPrefix(" ") || text.hasPrefix("\t") {
            note("folded header")
        } else if let colon = text.firstIndex(of: ":") {
            let value = blankTrimmed(text[text.index(after: colon)...])
            take(name: text[..<colon].lowercased(), value: value)
        } else {
            note("header without a colon")
        }
    }

    private mutating func take(name: String, value: String) {
        switch name {
        case "content-length":
            // Two lengths are how one answer is made to look like two (RFC 9112, 6.3); libcurl lets them pass.
            guard let length = decimalNumber(value) else { return note("bad Content-Length") }
            if let contentLength, contentLength != length { return note("two different Content-Length headers") }
            contentLength = length
        case "content-range":
            contentRange = hasContentRange ? nil : ContentRange(value)
            hasContentRange = true
        case "content-encoding":
            // The signed bytes are those that travel: whoever encodes them again changes them.
            note("Content-Encoding: \(value)")
        case "transfer-encoding":
            guard value.lowercased() == "chunked" else { return note("Transfer-Encoding: \(value)") }
            isChunked = true
        case "etag":
            let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && (2...256).contains(value.utf8.count)
            etag = isPlain ? value : nil
        case "location":
            location = value
        default: break
        }
    }

    private mutating func note(_ what: String) {
        if flaw == nil { flaw = what }
    }

    /// The entity tag if it is a strong one: a weak one does not promise the same bytes (RFC 9110, 8.8.3).
    var strongETag: String? {
        guard let etag, etag.hasPrefix("\""), etag.hasSuffix("\"") else { return nil }
        return etag
    }

    /// Whether the answer sends us elsewhere.
    var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
}

private func blankTrimmed(_ text: Substring) -> String {
    var slice = text.unicodeScalars
    while let first = slice.first, first == " " || first == "\t" { slice = slice.dropFirst() }
    while let last = slice.last, last == " " || last == "\t" || last == "\r" { slice = slice.dropLast() }
    return String(slice)
}
