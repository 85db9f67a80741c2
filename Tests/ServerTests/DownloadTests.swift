// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import ServiceLifecycle
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("A download", .scratchDirectory)
struct DownloadTests {
    private let size = 24_000_000

    private func bigTree() throws -> (tree: FilePath, bytes: Data) {
        let tree = ScratchDirectory.path.appending("tree")
        let bytes = pattern(size)
        try write(bytes, to: tree.appending("big"))
        return (tree, bytes)
    }

    /// Whether a download has begun to arrive.
    private func hasBegun(_ file: FilePath) -> Bool { (try? bytes(of: file).isEmpty) == false }

    @Test("ends with the bytes it began with when the file is replaced meanwhile", arguments: ["--http1.1", "--http2"])
    func replaced(_ version: String) async throws {
        let (tree, bytes) = try bigTree()
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            let file = ScratchDirectory.path.appending("arriving")
            async let reply = server.get("/big", [version, "--limit-rate", "6M"], to: file)
            let isArriving = try await eventually { hasBegun(file) }
            #expect(isArriving)
            try write(pattern(size, seed: 2), to: tree.appending(".new"))
            #expect(
                try await runProgram("mv", [tree.appending(".new").string, tree.appending("big").string]).status == 0
            )
            #expect(try await server.get("/big").bytes == pattern(size, seed: 2))
            #expect(try await reply.bytes == bytes)
        }
    }

    @Test(
        "is visibly broken, never silently short, when the file is cut meanwhile",
        arguments: ["--http1.1", "--http2"]
    )
    func cut(_ version: String) async throws {
        let (tree, _) = try bigTree()
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            let file = ScratchDirectory.path.appending("arriving")
            async let reply = server.get("/big", [version, "--limit-rate", "2M"], to: file)
            let isArriving = try await eventually { hasBegun(file) }
            #expect(isArriving)
            #expect(try await runProgram("truncate", ["-s", "1000", tree.appending("big").string]).status == 0)
            #expect(try await server.get("/big").bytes.count == 1000)
            #expect(try await reply.curl.status != 0)
        }
    }

    @Test("is as good as any other of twelve at once")
    func concurrent() async throws {
        let (tree, bytes) = try bigTree()
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        let reply = try await server.get("/big", number.isMultiple(of: 2) ? "--http2" : "--http1.1")
                        return reply.bytes == bytes
                    }
                }
                for try await isGood in group { #expect(isGood) }
            }
        }
    }

    @Test("of many files over one connection of HTTP/2 is good")
    func multiplexed() async throws {
        let (tree, bytes) = try bigTree()
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            var arguments = ["-sS", "--http2", "-Z", "--parallel-max", "8"] + server.trust
            let files = (0..<8).map { ScratchDirectory.path.appending("out.\($0)") }
            for file in files { arguments += ["-o", file.string, server.url + "/big"] }
            let result = try await runProgram("curl", arguments)
            #expect(result.status == 0, "\(result.errors)")
            for file in files { #expect(try Data(contentsOf: URL(filePath: file.string)) == bytes) }
        }
    }

    @Test("goes on after the server was told to stop, and nothing new begins", arguments: ["--http1.1", "--http2"])
    func gracefulStop(_ version: String) async throws {
        let (tree, bytes) = try bigTree()
        var limits = ServerLimits()
        limits.shutdownGrace = .seconds(100)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, limits: limits) { server in
            let file = ScratchDirectory.path.appending("arriving")
            async let reply = server.get("/big", [version, "--limit-rate", "6M"], to: file)
            let isArriving = try await eventually { hasBegun(file) }
            #expect(isArriving)
            await server.group.triggerGracefulShutdown()
            // 7: could not connect.
            #expect(try await eventually { try await server.get("/big", "-I").curl.status == 7 })
            #expect(try await reply.bytes == bytes)
            let start = ContinuousClock.now
            await server.stop()
            #expect(ContinuousClock.now - start < .seconds(50))
        }
    }

    @Test(
        "that would take longer than the grace is ended, and the server with it",
        arguments: ["--http1.1", "--http2"]
    )
    func graceIsLimited(_ version: String) async throws {
        let (tree, _) = try bigTree()
        var limits = ServerLimits()
        limits.shutdownGrace = .milliseconds(500)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, limits: limits) { server in
            let file = ScratchDirectory.path.appending("arriving")
            async let reply = server.get("/big", [version, "--limit-rate", "1M"], to: file)
            let isArriving = try await eventually { hasBegun(file) }
            #expect(isArriving)
            let start = ContinuousClock.now
            await server.stop()
            #expect(ContinuousClock.now - start < .seconds(15))
            #expect(try await reply.curl.status != 0)
        }
    }

    @Test("of nothing at all lets the server stop at once, idle connections or not", arguments: [true, false])
    func promptStop(_ isPlain: Bool) async throws {
        let (tree, _) = try bigTree()
        var limits = ServerLimits()
        limits.shutdownGrace = .seconds(60)
        limits.firstRequestDeadline = .seconds(60)
        limits.idleTimeout = .seconds(60)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, isPlain: isPlain, limits: limits) { server in
            let idle = try RawConnection(port: server.address.port)
            try idle.send("GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
            let silent = try RawConnection(port: server.address.port)
            try await Task.sleep(for: .milliseconds(300))
            #expect(!silent.isClosed())
            let start = ContinuousClock.now
            await server.stop()
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }
}
