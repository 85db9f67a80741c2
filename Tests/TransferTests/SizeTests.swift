// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

/// The ways in which a body can have a number of bytes.
enum Framing: CaseIterable, Sendable {
    case length
    case chunked
    case closed

    func reply(_ body: [UInt8]) -> HostileServerReply {
        switch self {
        case .length: .response(body: body)
        case .chunked: .chunked([Array(body.prefix(3)), Array(body.dropFirst(3))])
        case .closed: .response(body: body, length: .some(nil))
        }
    }
}

@Suite("Sizes")
struct SizeTests {
    @Test(
        "A body larger than its signed size by one byte is SIZE, and the connection is dropped",
        arguments: Framing.allCases
    )
    func oneByteMore(_ framing: Framing) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in framing.reply(pattern(0..<101)) }
            server.on("/b") { .content([1], for: $0) }
            let errors = try await client(server) { session in
                var errors: [any Error] = []
                do { _ = try session.get("a", limit: 1000, exactSize: 100) } catch { errors.append(error) }
                do { _ = try session.streamed("a", size: 100) } catch { errors.append(error) }
                do { _ = try session.get("a", limit: 100) } catch { errors.append(error) }
                _ = try session.bytes("b")
                return errors
            }
            let classes = errors.map { ($0 as? RootcellarError)?.errorClass }
            #expect(classes == [.size, .size, .size])
            #expect(server.count("/a") == 3, "a server that is wrong about sizes is not asked again")
            #expect(server.connections == 4)
        }
    }

    @Test("A sink never sees the byte too many", arguments: Framing.allCases)
    func sinkNotOverrun(_ framing: Framing) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in framing.reply(pattern(0..<100_001)) }
            let seen = try await client(server) { session in
                var seen = 0
                let refused = (try? session.stream("a", size: 100_000) { seen += $0.byteCount }) == nil
                return refused ? seen : -1
            }
            #expect((0...100_000).contains(seen))
        }
    }

    @Test("A body short of its signed size by one byte, cleanly ended, is SIZE", arguments: Framing.allCases)
    func oneByteLess(_ framing: Framing) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in framing.reply(pattern(0..<99)) }
            let get = try await refusal(server) { _ = try $0.get("a", limit: 1000, exactSize: 100) }
            #expect(get.errorClass == .size)
            let stream = try await refusal(server) { _ = try $0.streamed("a", size: 100) }
            #expect(stream.errorClass == .size)
        }
    }

    @Test("A body of exactly its signed size is accepted in every framing", arguments: Framing.allCases)
    func exact(_ framing: Framing) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in framing.reply(pattern(0..<100)) }
            #expect(try await client(server) { try $0.bytes("a", limit: 100, exactSize: 100) } == pattern(0..<100))
            #expect(try await client(server) { try $0.bytes("a", limit: 100) } == pattern(0..<100))
            #expect(try await client(server) { try $0.streamed("a", size: 100) } == pattern(0..<100))
        }
    }

    @Test("An endless file is SIZE at its limit", arguments: [true, false])
    func endless(_ chunked: Bool) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in
                chunked
                    ? HostileServerReply([
                        .bytes(HostileServerReply.head(200, ["Transfer-Encoding: chunked"])),
                        .endlessly(text("1000\r\n") + [UInt8](repeating: 65, count: 4096) + text("\r\n"), every: .zero),
                    ])
                    : HostileServerReply([
                        .bytes(HostileServerReply.head(200, ["Connection: close"])),
                        .endlessly([UInt8](repeating: 65, count: 4096), every: .zero),
                    ])
            }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 16 << 10) }
            #expect(error.errorClass == .size)
            #expect(error.reason.contains("16384"))
            #expect(server.requests.count == 1)
        }
    }

    @Test("An answer that is none is refused: 204, 206 unasked for, 304 unasked for, 201, 300, 401, 418, 999")
    func uselessStatus() async throws {
        try await HostileServer.with { server async throws in
            for status in [201, 202, 203, 204, 205, 206, 300, 304, 305, 400, 401, 403, 407, 418, 600, 999] {
                server.on("/\(status)") { _ in
                    status == 204 || status == 304
                        ? .raw("HTTP/1.1 \(status) X\r\n\r\n")
                        : .response(status: status, ["Content-Range: bytes 0-4/5"], body: text("hello"))
                }
                let error = try await refusal(server) { _ = try $0.get("\(status)", limit: 5, exactSize: 5) }
                #expect(error.errorClass == .transport, "\(status)")
                #expect(error.reason.contains("\(status)"))
                #expect(server.count("/\(status)") == 1, "\(status) is not tried again")
            }
        }
    }

    @Test("200 with nothing in it is SIZE where something is signed")
    func empty() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response() }
            #expect(try await refusal(server) { _ = try $0.get("a", limit: 5, exactSize: 5) }.errorClass == .size)
            #expect(try await refusal(server) { _ = try $0.streamed("a", size: 5) }.errorClass == .size)
        }
    }

    @Test("Two different lengths are TRANSPORT")
    func twoLengths() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(["Content-Length: 6"], body: text("hello")) }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport)
            #expect(error.reason.contains("Content-Length"))
        }
    }
}
