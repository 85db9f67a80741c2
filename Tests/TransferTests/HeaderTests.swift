// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

@Suite("Headers")
struct HeaderTests {
    @Test("Content-Encoding on any file is TRANSPORT", arguments: ["gzip", "br", "identity", "x-unknown"])
    func contentEncoding(_ coding: String) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(["Content-Encoding: \(coding)"], body: text("hello")) }
            let get = try await refusal(server) { _ = try $0.get("a", limit: 100, exactSize: 5) }
            #expect(get.errorClass == .transport && get.reason.contains("Content-Encoding"))
            let stream = try await refusal(server) { _ = try $0.streamed("a", size: 5) }
            #expect(stream.errorClass == .transport)
            #expect(server.requests.count == 2)
        }
    }

    @Test("A compressed transfer coding is TRANSPORT")
    func transferEncoding() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in
                .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            }
            #expect(try await refusal(server) { _ = try $0.get("a", limit: 100) }.errorClass == .transport)
        }
    }

    @Test(
        "A flood of headers, of interim answers, of trailers, or one endless header is TRANSPORT",
        arguments: [
            ("HTTP/1.1 200 OK\r\n", "X-Flood: 0123456789\r\n"),
            ("", "HTTP/1.1 100 Continue\r\n\r\n"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-Flood: 0123456789\r\n"),
            ("HTTP/1.1 200 OK\r\nX-Long: ", "0123456789"),
        ]
    )
    func flood(_ head: String, _ flood: String) async throws {
        try await HostileServer.with { server async throws in
            let many = String(repeating: flood, count: 1000)
            server.on("/a") { _ in HostileServerReply([.bytes(text(head)), .endlessly(text(many), every: .zero)]) }
            let start = ContinuousClock.now
            let error = try await refusal(server, { $0.tries = 1 }) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport)
            #expect(start.duration(to: .now) < .seconds(20))
        }
    }

    @Test("Control characters of a server do not reach the message")
    func escaped() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(["Content-Encoding: \u{1B}[31mred\u{7}"], body: []) }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.description.unicodeScalars.allSatisfy { !isUnprintable($0) })
        }
    }

    @Test(
        "What is no HTTP at all is TRANSPORT",
        arguments: ["hello\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "\0\0\0\0", "HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n"]
    )
    func noHTTP(_ answer: String) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in HostileServerReply([.bytes(text(answer)), .close]) }
            #expect(try await refusal(server) { _ = try $0.get("a", limit: 100) }.errorClass == .transport)
        }
    }
}
