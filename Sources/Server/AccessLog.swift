// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import Model

/// One line for each request, written when it is over:
///
///     127.0.0.1:52110 "GET /meta/1.0/index-system" 200 5120 B 0.4 ms "lxc/5.0.2 compat:7"
///
/// Peer, request, status, bytes of body, time, User-Agent (stock clients say their version there). Everything a client
/// chose is made printable, so that it can neither end the line nor write to a terminal.
struct AccessLog: Sendable {
    /// A request that is being answered.
    struct Entry: Sendable {
        let line: String
        let agent: String
        let start: ContinuousClock.Instant
    }

    /// Nil: nothing is logged.
    let logger: Logger?

    private var isOn: Bool { logger.map { $0.logLevel <= .info } ?? false }

    func begin(_ request: Request, _ context: ConnectionContext) -> Entry {
        guard isOn else { return Entry(line: "", agent: "", start: .now) }
        let method = Self.quoted(request.method.rawValue, limit: 32)
        let path = Self.quoted(request.head.path ?? "-", limit: 512)
        let agent = Self.quoted(request.headers[.userAgent] ?? "-", limit: 128)
        return Entry(line: "\(context.peer) \"\(method) \(path)\"", agent: agent, start: .now)
    }

    func end(_ entry: Entry, _ status: HTTPResponse.Status, sent: Int64, isCut: Bool = false) {
        guard isOn else { return }
        let microseconds = (ContinuousClock.now - entry.start) / .microseconds(1)
        let time = "\(Int(microseconds / 1000)).\(Int(microseconds / 100) % 10) ms"
        let cut = isCut ? " cut" : ""
        logger?.info("\(entry.line) \(status.code) \(sent) B\(cut) \(time) \"\(entry.agent)\"")
    }

    /// Something on our side went wrong.
    func failure(_ error: any Error, _ request: Request) {
        logger?.error("\"\(Self.quoted(request.head.path ?? "-", limit: 512))\": \(printable("\(error)"))")
    }

    /// Printable, and unable to end the quotes it is put in.
    static func quoted(_ text: String, limit: Int) -> String {
        var result = ""
        for scalar in printable(text, limit: limit).unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
