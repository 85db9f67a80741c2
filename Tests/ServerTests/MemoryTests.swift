// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("The server's memory")
struct MemoryTests {
    /// In a process of its own, because the other tests hold big files in memory.
    @Test("does not grow with what it sends, nor with what clients do not take")
    func isBounded() async {
        await #expect(processExitsWith: .success) {
            let scratch = try makeScratchDirectory()
            defer { removeTree(scratch) }
            let tree = scratch.appending("tree")
            try write("small".utf8, to: tree.appending("small"))
            try #require(try await runProgram("truncate", ["-s", "300M", tree.appending("big").string]).status == 0)
            try await RunningServer.run(over: tree, in: scratch) { server in
                for version in ["--http1.1", "--http2"] {
                    _ = try await server.get("/small", version)
                    let before = try kilobytes("VmRSS")
                    // Takes the first bytes and then nothing, until the end of this scope.
                    async let _ = server.get("/big", [version, "--limit-rate", "1"], to: scratch.appending("stalled"))
                    for _ in 0..<2 {
                        let reply = try await server.get("/big", [version, "-w", " %{size_download}"], to: "/dev/null")
                        #expect(reply.curl.status == 0, "\(reply.curl.errors)")
                        #expect(reply.curl.output.hasSuffix(" \(300 << 20)"))
                    }
                    #expect(FileManager.default.fileExists(atPath: scratch.appending("stalled").string))
                    // The highest it ever was, not what is left. Without a bound it would be 300 MB more, or 900.
                    let growth = try kilobytes("VmHWM") - before
                    #expect(growth < 100_000, "\(version): grew by \(growth) kB from \(before) kB")
                }
            }
        }
    }
}

/// A field of this process's /proc/self/status, in kB.
private func kilobytes(_ field: String) throws -> Int {
    let text = String(decoding: try bytes(of: "/proc/self/status"), as: UTF8.self)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(field + ":") })
    return try #require(line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) })
}
