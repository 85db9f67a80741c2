// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

@Suite("A small file")
struct GetTests {
    @Test("arrives whole, with its entity tag, which brings 'not modified' the next time")
    func conditional() async throws {
        try await HostileServer.with { server async throws in
            server.on("/pre/a") { .content(text("hello"), etag: "\"v1\"", for: $0) }
            let results = try await client(server, url: server.url + "/pre/") { session in
                [
                    try session.get("a", limit: 5), try session.get("a", limit: 5, exactSize: 5, etag: "\"v1\""),
                    try session.get("a", limit: 5, etag: "\"v0\""),
                ]
            }
            let found = GetResult.found(bytes: text("hello"), etag: "\"v1\"")
            #expect(results == [found, .notModified, found])
        }
    }

    @Test("that is gone is missing", arguments: [404, 410])
    func missing(_ status: Int) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(status: status, body: text("<html>")) }
            #expect(try await client(server) { try $0.get("a", limit: 100) } == .missing)
            #expect(server.requests.count == 1)
        }
    }

    @Test("is asked for without cookies, credentials or traces of the machine")
    func request() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { .content([1], for: $0) }
            server.on("/b") { _ in .response(["Set-Cookie: spy=1; Path=/"], body: [1]) }
            _ = try await client(server) { session in
                _ = try session.bytes("b")
                return try session.bytes("a")
            }
            let request = try #require(server.requests.last)
            #expect(Set(request.headers.keys) == ["host", "user-agent", "accept", "accept-encoding"])
            #expect(request.headers["user-agent"] == "rootcellar/\(programVersion)")
            #expect(request.headers["accept-encoding"] == "identity")
        }
    }

    @Test("uses the connection of the file before it")
    func keepAlive() async throws {
        try await HostileServer.with { server async throws in
            server.otherwise { .content([1, 2, 3], for: $0) }
            server.on("/gone") { _ in .response(status: 404, body: text("not here")) }
            _ = try await client(server) { session in
                for _ in 0..<10 { _ = try session.bytes("a") }
                _ = try session.get("gone", limit: 1)
                return try session.bytes("b")
            }
            #expect(server.requests.count == 12)
            #expect(server.connections == 1)
        }
    }

    @Test("may be empty")
    func empty() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { .content([], for: $0) }
            #expect(try await client(server) { try $0.bytes("a", limit: 0, exactSize: 0) } == [])
        }
    }

    @Test("is found over IPv6 and by address", arguments: ["[::1]", "127.0.0.1"])
    func addresses(_ host: String) async throws {
        try await HostileServer.with(host: host) { server async throws in
            server.on("/a") { .content([7], for: $0) }
            #expect(try await client(server) { try $0.bytes("a") } == [7])
        }
    }

    @Test(
        "whose path is no path below the tree is refused before anything is sent",
        arguments: [
            "", "/a", "../a", "a/../b", "./a", "a//b", "a/", "//host/x", "http://x", "%2e%2e/x", "a\\b", "a?b", "a#b",
            "a b", "a\nb", "a\0", "a\u{e4}",
        ]
    )
    func badPath(_ path: String) async throws {
        try await HostileServer.with { server async throws in
            let error = try await refusal(server) { _ = try $0.get(path, limit: 1) }
            #expect(error.errorClass == .binding)
            let streamError = try await refusal(server) { _ = try $0.streamed(path, size: 1) }
            #expect(streamError.errorClass == .binding)
            #expect(server.connections == 0)
        }
    }

    @Test("larger than its limit by its signed size is not asked for")
    func overLimit() async throws {
        try await HostileServer.with { server async throws in
            let error = try await refusal(server) { _ = try $0.get("a", limit: 10, exactSize: 11) }
            #expect(error.errorClass == .size)
            #expect(server.connections == 0)
        }
    }

    @Test("comes from a directory, percent-encoded names and ranges included", .scratchDirectory)
    func directory() async throws {
        let directory = ScratchDirectory.path
        let made = try await runProgram(
            "sh",
            ["-c", "mkdir 'a+b' && seq 1 20000 > 'a+b/20260101_00:00' && stat -c %s 'a+b/20260101_00:00'"],
            directory: directory
        )
        let size = try #require(Int(made.output.filter(\.isNumber)))
        try await HostileServer.with { server async throws in
            server.serve(directory: directory)
            let path = "a+b/20260101_00:00"
            let whole = try await client(server) { try $0.bytes(path, exactSize: size) }
            #expect(whole.count == size && whole.starts(with: text("1\n2\n3\n")))
            #expect(try await client(server) { try $0.streamed(path, from: 1000, size: size) } == Array(whole[1000...]))
            #expect(try await client(server) { try $0.get("a+b", limit: 10) } == .missing)
            server.tamper("/" + path, in: directory) { $0.map { $0 ^ 1 } }
            #expect(try await client(server) { try $0.bytes(path) } == whole.map { $0 ^ 1 })
        }
    }
}
