// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import Model

#if canImport(Glibc)
import Glibc
#endif

/// What is noted of every request when it is over: the counters, and one line of JSON if somebody wants it:
///
///     {"agent":"lxc/5.0.2 compat:7","bytes":5120,"client":"127.0.0.1:52110","method":"GET","milliseconds":0.4,
///      "path":"/meta/1.0/index-system","status":200,"time":"2026-01-01T00:00:00Z"}
///
/// (in one line), with `"cut":true` for a response that did not end, and the name of the token that was shown. Stock
/// clients say their version as `agent`. Everything a client chose is made printable and cut, so that it can neither end
/// the line nor write to a terminal, and what looks like a token of ours is left out wherever it stands.
struct AccessLog: Sendable {
    /// A request that is being answered.
    struct Entry: Sendable {
        /// What the client said, ready to be written; nil where nothing is.
        let words: (agent: String, client: String, method: String, path: String)?
        let start: ContinuousClock.Instant
        /// The name of the token or certificate that was shown.
        var token: String?
    }

    /// Takes a line; nil where nobody wants any.
    let write: (@Sendable (String) -> Void)?
    let counters: Counters
    /// Takes what went wrong on our side.
    let logger: Logger?

    /// Whether anybody wants lines.
    var isWritten: Bool { write != nil }

    func begin(_ request: HTTPRequest, client: String) -> Entry {
        guard isWritten else { return Entry(words: nil, start: .now) }
        return Entry(
            words: (
                agent: Self.quoted(request.headerFields[.userAgent] ?? "-", limit: 128),
                client: Self.quoted(client, limit: 64),
                method: Self.quoted(request.method.rawValue, limit: 32),
                path: Self.quoted(request.path ?? "-", limit: 512)
            ),
            start: .now
        )
    }

    func end(_ entry: Entry, _ status: HTTPResponse.Status, sent: Int64, isCut: Bool = false) {
        counters.count(status: status.code, bytes: sent)
        guard let write, let words = entry.words else { return }
        let tenths = Int((ContinuousClock.now - entry.start) / .microseconds(100))
        let cut = isCut ? #""cut":true,"# : ""
        let token = entry.token.map { #","token":"\#(Self.quoted($0, limit: 64))""# } ?? ""
        write(
            #"{"agent":"\#(words.agent)","bytes":\#(sent),"client":"\#(words.client)",\#(cut)"#
                + #""method":"\#(words.method)","milliseconds":\#(tenths / 10).\#(tenths % 10),"#
                + #""path":"\#(words.path)","status":\#(status.code),"time":"\#(Timestamp.now)"\#(token)}"#
        )
    }

    /// Notes a response that is complete in memory, and gives it back.
    func finish(_ response: Response, _ entry: Entry) -> Response {
        end(entry, response.status, sent: Int64(response.body.contentLength ?? 0))
        return response
    }

    /// Something on our side went wrong.
    func failure(_ error: any Error, _ request: Request) {
        logger?.error("\"\(Self.quoted(request.head.path ?? "-", limit: 512))\": \(printable("\(error)"))")
    }

    /// Printable, without tokens, and unable to end the quotes it is put in, those of JSON among them.
    static func quoted(_ text: String, limit: Int) -> String {
        var result = ""
        for scalar in printable(BearerToken.redacted(text), limit: limit).unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Timestamp {
    /// The clock.
    static var now: Timestamp { Timestamp(seconds: Int64(time(nil))) }
}
