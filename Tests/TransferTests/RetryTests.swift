// SPDX-License-Identifier: Apache-2.0

import Model
import Synchronization
import TestSupport
import Testing

@testable import Transfer

/// Counts over the requests of one test.
final class Counter: Sendable {
    private let value = Mutex(0)
    /// 1 the first time, then 2, …
    func next() -> Int {
        value.withLock {
            $0 += 1; return $0
        }
    }
}

@Suite("Tries")
struct RetryTests {
    @Test("Temporary refusals are tried again", arguments: [408, 429, 500, 502, 503, 504, 599])
    func temporary(_ status: Int) async throws {
        try await HostileServer.with { server async throws in
            let counter = Counter()
            server.on("/a") {
                counter.next() < 5 ? .response(status: status, body: text("sorry")) : .content([1], for: $0)
            }
            #expect(try await client(server) { try $0.bytes("a") } == [1])
            #expect(server.requests.count == 5)
        }
    }

    @Test("Five tries are all: TRANSPORT with status, URL and number of tries")
    func exhausted() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(status: 503) }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport)
            #expect(error.reason.contains("503") && error.reason.contains("5 tries"))
            #expect(error.subject == server.url + "/a")
            #expect(server.requests.count == 5)
        }
    }

    @Test("Connections that are cut or closed without an answer are tried again")
    func cut() async throws {
        try await HostileServer.with { server async throws in
            let counter = Counter()
            server.on("/a") { request in
                switch counter.next() {
                case 1: HostileServerReply([.cut])
                case 2: HostileServerReply([.close])
                case 3: .response(body: pattern(0..<100), cut: 50)
                case 4: .chunked([pattern(0..<50)], cut: true)
                default: .content(pattern(0..<100), for: request)
                }
            }
            #expect(try await client(server) { try $0.bytes("a", exactSize: 100) } == pattern(0..<100))
            #expect(server.requests.count == 5)
        }
    }

    @Test("A file of unknown size that is cut is not taken for whole", arguments: [true, false])
    func cutUnknownSize(_ chunked: Bool) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in
                chunked ? .chunked([pattern(0..<50)], cut: true) : .response(body: pattern(0..<100), cut: 50)
            }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 1000) }
            #expect(error.errorClass == .transport)
            #expect(server.requests.count == 5)
        }
    }

    @Test("A refused connection is tried again, then TRANSPORT")
    func refused() async throws {
        // A port that nobody listens on: that of a server that has gone.
        let address = try await HostileServer.with { $0.url }
        try await HostileServer.with { server async throws in
            let start = ContinuousClock.now
            let error = try await refusal(
                server,
                url: address,
                {
                    $0.backoffBase = .milliseconds(40); $0.backoffCap = .milliseconds(40)
                }
            ) {
                _ = try $0.get("a", limit: 100)
            }
            #expect(error.errorClass == .transport && error.reason.contains("5 tries"), "\(error)")
            #expect(start.duration(to: .now) < .seconds(10))
        }
    }

    @Test("Retry-After is waited for")
    func retryAfter() async throws {
        try await HostileServer.with { server async throws in
            let counter = Counter()
            server.on("/a") {
                counter.next() == 1 ? .response(status: 429, ["Retry-After: 1"]) : .content([1], for: $0)
            }
            let start = ContinuousClock.now
            #expect(try await client(server) { try $0.bytes("a") } == [1])
            #expect(start.duration(to: .now) >= .seconds(1))
        }
    }

    @Test(
        "A Retry-After of more than a minute is not waited for",
        arguments: ["61", "99999999", "Fri, 31 Dec 2100 23:59:59 GMT"]
    )
    func retryAfterTooLong(_ value: String) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(status: 503, ["Retry-After: \(value)"]) }
            let start = ContinuousClock.now
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport && error.reason.contains("wait"))
            #expect(start.duration(to: .now) < .seconds(5))
            #expect(server.requests.count == 1)
        }
    }

    @Test("The wait before a try doubles from half a second to thirty, and is never more")
    func backoff() {
        let options = TransferOptions()
        #expect(
            (1...10).map { options.backoff(after: $0) } == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30].map { .seconds($0) }
        )
        #expect(options.backoff(after: 1_000_000) == .seconds(30))
    }

    @Test("An error of the sink ends the transfer at once and comes out as it went in")
    func sinkError() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { .pattern(size: 10 << 20, for: $0) }
            let error = try await refusal(server) { session in
                var pieces = 0
                try session.stream("a", size: 10 << 20) { _ throws(RootcellarError) in
                    pieces += 1
                    if pieces == 3 { throw RootcellarError(.hash, "mine", subject: "sink") }
                }
            }
            #expect(error.description == "HASH: mine: sink")
            #expect(server.requests.count == 1)
        }
    }

    @Test("Passwords of URLs do not reach a message")
    func redaction() {
        #expect(
            redacted("Unsupported proxy syntax in 'http://me:hunter2@host:x'")
                == "Unsupported proxy syntax in 'http://***@host:x'"
        )
        #expect(redacted("https://a:b@c:d@host/x and http://plain/") == "https://***@host/x and http://plain/")
        #expect(redacted("me:hunter2@host") == "***@host")
        #expect(redacted("nothing  here: //x") == "nothing  here: //x")
    }
}
