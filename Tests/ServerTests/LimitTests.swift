// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("A client that wants to wear the server out", .scratchDirectory)
struct LimitTests {
    /// Opens connections that begin a request, or a TLS handshake, and do not go on.
    private func openSlow(_ server: RunningServer, isPlain: Bool) throws -> [RawConnection] {
        let slow = try (0..<60).map { _ in try RawConnection(port: server.address.port) }
        for (number, connection) in slow.enumerated() {
            if isPlain { try connection.send("GET / HTTP/1.1\r\nX-\(number): ") }
            if !isPlain && number.isMultiple(of: 2) { try connection.send("\u{16}\u{3}\u{1}\u{2}") }
        }
        return slow
    }

    @Test("by opening connections and saying little keeps nobody else from being served", arguments: [true, false])
    func slowlorisOthers(_ isPlain: Bool) async throws {
        let tree = try makeTree(ScratchDirectory.path)
        var limits = ServerLimits()
        // Never within this test, so that all of them are there while others are served.
        limits.firstRequestDeadline = .seconds(600)
        limits.idleTimeout = .seconds(600)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, isPlain: isPlain, limits: limits) { server in
            let slow = try openSlow(server, isPlain: isPlain)
            for _ in 0..<3 { #expect(try await server.get("/rootcellar/pointer.signed").text == "pointer") }
            #expect(slow.allSatisfy { !$0.isClosed() })
        }
    }

    @Test("by opening connections and saying little is closed in time, saying more or not", arguments: [true, false])
    func slowlorisClosed(_ isPlain: Bool) async throws {
        let tree = try makeTree(ScratchDirectory.path)
        var limits = ServerLimits()
        limits.firstRequestDeadline = .seconds(1)
        // Not this one closes them.
        limits.idleTimeout = .seconds(600)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, isPlain: isPlain, limits: limits) { server in
            let slow = try openSlow(server, isPlain: isPlain)
            let areClosed = try await eventually {
                for connection in slow where isPlain { try connection.send("y") }
                return slow.allSatisfy { $0.isClosed() }
            }
            #expect(areClosed)
        }
    }

    @Test("by keeping connections open for nothing is closed")
    func idle() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        var limits = ServerLimits()
        limits.idleTimeout = .seconds(1)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, isPlain: true, limits: limits) { server in
            let connection = try RawConnection(port: server.address.port)
            try connection.send("GET /rootcellar/pointer.signed HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await connection.receive().hasSuffix("pointer"))
            // It came back because the server closed, not because of the patience above.
            #expect(connection.isClosed())
        }
    }

    @Test(
        "by asking for much and reading nothing is closed, one that reads slowly is not",
        arguments: ["--http1.1", "--http2"]
    )
    func stalled(_ version: String) async throws {
        let tree = ScratchDirectory.path.appending("tree")
        try write([], to: tree.appending("middle"))
        // More than every buffer on the way holds, so that the server has to wait for the client; curl's window for
        // HTTP/2 is 32 MiB.
        for (name, size) in [("middle", "40000000"), ("big", "400M")] {
            #expect(try await runProgram("truncate", ["-s", size, tree.appending(name).string]).status == 0)
        }
        var limits = ServerLimits()
        limits.stallTimeout = .seconds(4)
        let log = LogLines()
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, limits: limits, log: log) { server in
            async let slow = server.get("/middle", version, "--limit-rate", "4M")
            // Stopped by its rate limit after the first bytes, and by the end of this scope.
            async let _ = server.get("/big", version, "--limit-rate", "1")
            let isCut = try await eventually {
                log.lines.contains { $0.contains("/big") && $0.contains("\"cut\":true") }
            }
            #expect(isCut)
            let reply = try await slow
            #expect(reply.curl.status == 0, "\(reply.curl.errors)")
            #expect(reply.header("content-length") == "40000000")
        }
        #expect(log.lines.count == 2)
        #expect(log.lines.contains { $0.contains("/middle") && !$0.contains("cut") })
    }

    @Test("from one address has so many connections and no more")
    func perAddress() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        var limits = ServerLimits()
        limits.connectionsPerAddress = 5
        limits.firstRequestDeadline = .seconds(300)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, isPlain: true, limits: limits) { server in
            var kept = try (0..<5).map { _ in try RawConnection(port: server.address.port) }
            let isRefused = try await eventually {
                // Connections are counted by several threads, so curl may be counted before one of these, which is
                // closed for it then.
                for index in kept.indices where kept[index].isClosed() {
                    kept[index] = try RawConnection(port: server.address.port)
                }
                return try await server.get("/index.html").status == 0
            }
            #expect(isRefused)
            kept.removeAll()
            #expect(try await eventually { try await server.get("/index.html").status == 200 })
        }
    }

    @Test("by sending a body without end is cut")
    func endlessBody() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            for version in ["--http1.1", "--http2"] {
                let result = try await runProgram(
                    "curl",
                    ["-sS", "-m", "60", version, "-H", "Expect:", "-X", "POST", "-T", "/dev/zero"] + server.trust
                        + ["-o", "/dev/null", server.url + "/x"]
                )
                #expect(result.status != 28, "\(result.errors)")
            }
            #expect(try await server.get("/rootcellar/pointer.signed").text == "pointer")
        }
    }
}
