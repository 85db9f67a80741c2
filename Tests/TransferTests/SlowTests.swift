// SPDX-License-Identifier: Apache-2.0

import Model
import Synchronization
import TestSupport
import Testing

@testable import Transfer

@Suite("Slow servers")
struct SlowTests {
    private static func drip(_ bytes: Int, every interval: Duration) -> HostileServerReply {
        HostileServerReply([
            .bytes(HostileServerReply.head(200, ["Content-Length: 1000000"])),
            .endlessly([UInt8](repeating: 65, count: bytes), every: interval),
        ])
    }

    @Test("One byte a second is TRANSPORT after the window")
    func tooSlow() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in Self.drip(1, every: .seconds(1)) }
            let start = ContinuousClock.now
            let error = try await refusal(
                server,
                {
                    $0.tries = 1; $0.lowSpeedTime = .seconds(2)
                }
            ) {
                _ = try $0.streamed("a", size: 1_000_000)
            }
            let time = start.duration(to: .now)
            #expect(error.errorClass == .transport && error.reason.contains("too slow"))
            #expect(time > .seconds(1.5) && time < .seconds(30))
        }
    }

    @Test("Fast enough for the window but not for the deadline is TRANSPORT at the deadline, all tries together")
    func deadline() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in Self.drip(2000, every: .milliseconds(50)) }
            let start = ContinuousClock.now
            let error = try await refusal(
                server,
                {
                    $0.deadlineBase = .milliseconds(700); $0.deadlineRate = 1 << 40
                }
            ) {
                _ = try $0.streamed("a", size: 1_000_000)
            }
            #expect(error.errorClass == .transport)
            #expect(start.duration(to: .now) < .seconds(10))
            #expect(server.requests.count == 1)
        }
    }

    @Test("Silence after the request ends at the deadline")
    func silence() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in HostileServerReply([.pause(.seconds(600))]) }
            let error = try await refusal(
                server,
                {
                    $0.deadlineBase = .milliseconds(500); $0.deadlineRate = 1 << 40
                }
            ) {
                _ = try $0.get("a", limit: 100)
            }
            #expect(error.errorClass == .transport)
        }
    }

    @Test("The deadline is a minute and the signed size at 16 KiB/s")
    func allowance() {
        let options = TransferOptions()
        #expect(options.allowance(size: 0) == .seconds(60))
        #expect(options.allowance(size: 16 << 20) == .seconds(60 + 1024))
        #expect(options.allowance(size: 1 << 62) > .seconds(60))
        #expect(options.lowSpeedLimit == 1024 && options.lowSpeedTime == .seconds(30))
        #expect(options.connectTimeout == .seconds(15))
        #expect(options.maxRedirects == 5 && options.tries == 5)
    }

    @Test("A stop that is asked for ends a transfer within two seconds", arguments: ["get", "stream", "wait"])
    func stop(_ what: String) async throws {
        try await HostileServer.with { server async throws in
            server.on("/get") { _ in HostileServerReply([.pause(.seconds(600))]) }
            server.on("/stream") { _ in Self.drip(2000, every: .milliseconds(50)) }
            server.on("/wait") { _ in .response(status: 503, ["Retry-After: 50"]) }
            let start = ContinuousClock.now
            let error = try await refusal(server) { session in
                // Some time after the request has arrived, so that the stop comes in the middle of what is tested.
                var asked: ContinuousClock.Instant?
                session.shouldStop = {
                    if asked == nil, !server.requests.isEmpty { asked = .now }
                    return asked.map { $0.duration(to: .now) > .milliseconds(300) } ?? false
                }
                if what == "stream" {
                    _ = try session.streamed(what, size: 1_000_000)
                } else {
                    _ = try session.get(what, limit: 100)
                }
            }
            #expect(error.errorClass == .transport && error.reason.contains("interrupted"))
            #expect(start.duration(to: .now) < .seconds(8))
            #expect(server.requests.count == 1)
        }
    }
}
