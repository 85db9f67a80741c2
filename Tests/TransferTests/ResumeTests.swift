// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

@Suite("Resuming")
struct ResumeTests {
    private let size = 300_000

    /// Cuts the first answer after 100 000 bytes; the others are `then`.
    private func cutOnce(
        _ server: HostileServer,
        etag: String? = "\"v1\"",
        then: @escaping HostileServer.Behaviour
    ) {
        let counter = Counter()
        let size = self.size
        server.on("/a") { request in
            counter.next() == 1
                ? .response(etag.map { ["ETag: \($0)"] } ?? [], body: pattern(0..<size), cut: 100_000) : then(request)
        }
    }

    private func expectWhole(
        _ server: HostileServer,
        requests: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    )
        async throws
    {
        let size = self.size
        let bytes = try await client(server) { try $0.streamed("a", size: size) }
        #expect(bytes == pattern(0..<size), sourceLocation: sourceLocation)
        #expect(server.requests.count == requests, sourceLocation: sourceLocation)
    }

    @Test("A broken connection goes on where it broke, with the strong entity tag as condition")
    func resumes() async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            cutOnce(server) { .pattern(size: size, etag: "\"v1\"", for: $0) }
            try await expectWhole(server, requests: 2)
            let second = server.requests[1]
            #expect(second.rangeStart == 100_000)
            #expect(second.headers["if-range"] == "\"v1\"")
            #expect(server.requests[0].headers["range"] == nil)
        }
    }

    @Test("It may break several times")
    func resumesAgain() async throws {
        try await HostileServer.with { server async throws in
            let counter = Counter()
            let size = self.size
            server.on("/a") { request in
                let start = request.rangeStart ?? 0
                let turn = counter.next()
                return .response(
                    status: start == 0 ? 200 : 206,
                    ["Content-Range: bytes \(start)-\(size - 1)/\(size)"],
                    body: pattern(start..<size),
                    cut: turn < 5 ? 50_000 : nil
                )
            }
            try await expectWhole(server, requests: 5)
            #expect(server.requests.map(\.rangeStart) == [nil, 50_000, 100_000, 150_000, 200_000])
        }
    }

    @Test("But not more often than there are tries")
    func exhausted() async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            server.on("/a") { request in
                let start = request.rangeStart ?? 0
                return .response(
                    status: start == 0 ? 200 : 206,
                    ["Content-Range: bytes \(start)-\(size - 1)/\(size)"],
                    body: pattern(start..<size),
                    cut: 1000
                )
            }
            let error = try await refusal(server) { _ = try $0.streamed("a", size: size) }
            #expect(error.errorClass == .transport)
            #expect(server.requests.count == 5)
        }
    }

    @Test("A weak entity tag is no condition")
    func weak() async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            cutOnce(server, etag: "W/\"v1\"") { .pattern(size: size, for: $0) }
            try await expectWhole(server, requests: 2)
            #expect(server.requests[1].headers["if-range"] == nil)
        }
    }

    @Test("200 to a range: the whole file again, nothing delivered twice")
    func wholeInstead() async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            cutOnce(server) { _ in .response(body: pattern(0..<size)) }
            try await expectWhole(server, requests: 2)
        }
    }

    @Test("A changed entity tag brings the whole file")
    func changedTag() async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            cutOnce(server) { .pattern(size: size, etag: "\"v2\"", for: $0) }
            try await expectWhole(server, requests: 2)
        }
    }

    @Test(
        "206 with a wrong start, end, total, length, tag, or without a range: asked again for the whole file",
        arguments: [
            ["Content-Range: bytes 99999-299999/300000"], ["Content-Range: bytes 100001-299999/300000"],
            ["Content-Range: bytes 0-299999/300000"], ["Content-Range: bytes 100000-299998/300000"],
            ["Content-Range: bytes 100000-299999/300001"], ["Content-Range: bytes 100000-299999/*"],
            ["Content-Range: bytes 100000-299999/300000", "ETag: \"v2\""], [],
            ["Content-Type: multipart/byteranges; boundary=x"],
        ]
    )
    func wrongRange(_ headers: [String]) async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            cutOnce(server) { request in
                request.rangeStart == nil
                    ? .response(body: pattern(0..<size))
                    : .response(status: 206, headers, body: pattern(1..<200_001))
            }
            try await expectWhole(server, requests: 3)
            #expect(server.requests.map(\.rangeStart) == [nil, 100_000, nil])
        }
    }

    @Test("416 is never taken for done")
    func unsatisfiable() async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            cutOnce(server) { request in
                request.rangeStart == nil
                    ? .response(body: pattern(0..<size))
                    : .response(status: 416, ["Content-Range: bytes */100000"])
            }
            try await expectWhole(server, requests: 3)
        }
        try await HostileServer.with { server async throws in
            let size = self.size
            server.on("/a") { _ in .response(status: 416, ["Content-Range: bytes */100000"]) }
            let error = try await refusal(server) { _ = try $0.streamed("a", from: 100_000, size: size) }
            #expect(error.errorClass == .transport)
        }
    }

    @Test("A file that has another size by now is SIZE")
    func otherSize() async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            cutOnce(server) { .pattern(size: 200_000, for: $0) }
            let error = try await refusal(server) { _ = try $0.streamed("a", size: size) }
            #expect(error.errorClass == .size)
        }
    }

    @Test("A start within the file is asked for by range and delivered from there", arguments: [1, 150_000, 299_999])
    func offset(_ offset: Int) async throws {
        try await HostileServer.with { server async throws in
            let size = self.size
            server.on("/a") { .pattern(size: size, for: $0) }
            #expect(
                try await client(server) { try $0.streamed("a", from: offset, size: size) } == pattern(offset..<size)
            )
            #expect(server.requests.map(\.rangeStart) == [offset])
        }
    }

    @Test("A start at the end needs no request")
    func nothingLeft() async throws {
        try await HostileServer.with { server async throws in
            #expect(try await client(server) { try $0.streamed("a", from: 5, size: 5) } == [])
            #expect(server.requests.isEmpty)
        }
    }

    @Test("Cuts at random places always give the file, each byte once and in order")
    func randomCuts() async throws {
        var generator = SeededGenerator()
        let size = 60_000
        for round in 0..<40 {
            let cuts = (0..<4).map { _ in Int.random(in: 0...25_000, using: &generator) }
            let kinds = (0..<4).map { _ in Int.random(in: 0...4, using: &generator) }
            try await HostileServer.with { server async throws in
                let counter = Counter()
                server.on("/a") { request in
                    let turn = counter.next() - 1
                    let start = request.rangeStart ?? 0
                    guard turn < 4 else { return .pattern(size: size, for: request) }
                    let range = start > 0 ? ["Content-Range: bytes \(start)-\(size - 1)/\(size)"] : []
                    let status = start > 0 ? 206 : 200
                    return switch kinds[turn] {
                    case 0: .response(status: status, range, body: pattern(start..<size), cut: cuts[turn])
                    case 1: .response(body: pattern(0..<size), cut: cuts[turn])
                    case 2: .chunked([pattern(0..<cuts[turn])].filter { !$0.isEmpty }, cut: true)
                    case 3: .response(status: 503)
                    default: HostileServerReply([.cut])
                    }
                }
                let bytes = try await client(server) { try $0.streamed("a", size: size) }
                #expect(bytes == pattern(0..<size), "round \(round), seed \(generator.seed)")
            }
        }
    }
}
