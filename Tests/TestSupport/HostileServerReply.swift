// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// What a ``HostileServer`` says to one request: a script of bytes, pauses and ends. A script that reaches its end
/// without closing leaves the connection open for the next request.
package struct HostileServerReply: Sendable {
    /// One act of a script.
    package enum Step: Sendable {
        /// Sends bytes.
        case bytes([UInt8])
        /// Sends the bytes at `range` of the endless test pattern, without holding them in memory.
        case pattern(Range<Int>)
        /// Sends the bytes at `range` of a file.
        case file(FilePath, Range<Int>)
        /// Sends bytes again and again until the client goes away.
        case endlessly([UInt8], every: Duration)
        /// Does nothing for a while.
        case pause(Duration)
        /// Ends the connection as HTTPS should: with TLS's own goodbye.
        case close
        /// Ends the TCP connection without TLS's goodbye.
        case cut
    }

    package var steps: [Step]

    /// A script of its own.
    package init(_ steps: [Step]) { self.steps = steps }

    /// Exactly these bytes.
    package static func raw(_ text: String, then steps: Step...) -> Self {
        Self([.bytes(Array(text.utf8))] + steps)
    }

    /// A status line, `Content-Length` and the headers, then the body.
    ///
    /// - Parameters:
    ///   - length: what `Content-Length` says; nil leaves it out and closes the connection after the body.
    ///   - cut: after how many bytes of the body the connection is cut.
    package static func response(
        status: Int = 200,
        _ headers: [String] = [],
        body: [UInt8] = [],
        length: Int?? = .none,
        cut: Int? = nil
    ) -> Self {
        let declared: Int? =
            switch length {
            case .none: body.count
            case .some(let value): value
            }
        var steps: [Step] = [
            .bytes(head(status, headers + (declared.map { ["Content-Length: \($0)"] } ?? ["Connection: close"])))
        ]
        if let cut {
            steps += [.bytes(Array(body.prefix(cut))), .cut]
        } else {
            steps.append(.bytes(body))
            if declared == nil { steps.append(.close) }
        }
        return Self(steps)
    }

    /// A whole answer in chunked transfer coding.
    ///
    /// - Parameter cut: cuts the connection instead of sending the last chunk.
    package static func chunked(_ chunks: [[UInt8]], _ headers: [String] = [], cut: Bool = false) -> Self {
        var steps: [Step] = [.bytes(head(200, headers + ["Transfer-Encoding: chunked"]))]
        for chunk in chunks {
            steps.append(.bytes(Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + [0x0D, 0x0A]))
        }
        steps.append(cut ? .cut : .bytes(Array("0\r\n\r\n".utf8)))
        return Self(steps)
    }

    /// A redirect.
    package static func redirect(_ status: Int = 302, to location: String) -> Self {
        response(status: status, ["Location: \(location)"])
    }

    /// `content` as a well-behaved server gives it: whole, a range of it, or 304.
    package static func content(_ content: [UInt8], etag: String? = nil, for request: HostileServerRequest) -> Self {
        good(size: content.count, etag: etag, for: request) { .bytes(Array(content[$0])) }
    }

    /// `size` bytes of the test pattern as a well-behaved server gives them.
    package static func pattern(size: Int, etag: String? = nil, for request: HostileServerRequest) -> Self {
        good(size: size, etag: etag, for: request) { .pattern($0) }
    }

    /// The file of the request's path below `directory` as a well-behaved server gives it; 404 where there is none.
    package static func file(_ directory: FilePath, for request: HostileServerRequest) -> Self {
        let relative = FilePath(String(request.path.drop { $0 == "/" }))
        guard let path = directory.lexicallyResolving(relative), let (size, etag) = try? fileFacts(path) else {
            return response(status: 404)
        }
        return good(size: size, etag: etag, for: request) { .file(path, $0) }
    }

    private static func good(
        size: Int,
        etag: String?,
        for request: HostileServerRequest,
        _ step: (Range<Int>) -> Step
    ) -> Self {
        let headers = etag.map { ["ETag: \($0)"] } ?? []
        if let etag, request.headers["if-none-match"] == etag {
            return Self([.bytes(head(304, headers))])
        }
        let body: Step
        let lines: [String]
        var status = 200
        if let range = request.range, request.headers["if-range"] == nil || request.headers["if-range"] == etag {
            guard range.start < size else { return response(status: 416, ["Content-Range: bytes */\(size)"]) }
            let end = min(size, range.end.map { $0 + 1 } ?? size)
            status = 206
            lines = ["Content-Length: \(end - range.start)", "Content-Range: bytes \(range.start)-\(end - 1)/\(size)"]
            body = step(range.start..<end)
        } else {
            lines = ["Content-Length: \(size)"]
            body = step(0..<size)
        }
        let first = Step.bytes(head(status, headers + lines))
        return Self(request.method == "HEAD" ? [first] : [first, body])
    }

    /// Status line, header lines and the empty line.
    package static func head(_ status: Int, _ headers: [String]) -> [UInt8] {
        Array((["HTTP/1.1 \(status) Scripted"] + headers + ["", ""]).joined(separator: "\r\n").utf8)
    }
}

/// The byte of the test pattern at an offset: a period of 65521, so that a shift by any usual block size shows.
package func patternByte(at offset: Int) -> UInt8 {
    let place = offset % patternPeriod
    return UInt8(truncatingIfNeeded: place ^ (place >> 8) &* 31)
}

let patternPeriod = 65521

/// Size and a strong entity tag of a regular file.
private func fileFacts(_ path: FilePath) throws -> (size: Int, etag: String) {
    let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
    return try file.closeAfter {
        let facts = try fileStatus(file)
        return (facts.size, "\"\(facts.inode)-\(facts.size)-\(facts.modified)\"")
    }
}
