// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("Ranges and conditions", .scratchDirectory)
struct RangeAndConditionTests {
    @Test("of a small and of a big file are honoured as the table says", arguments: ["--http1.1", "--http2"])
    func ranges(_ version: String) async throws {
        let tree = ScratchDirectory.path.appending("tree")
        let files = ["small": pattern(10), "big": pattern(300_000), "empty": Data()]
        for (name, bytes) in files { try write(bytes, to: tree.appending(name)) }
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            for (name, bytes) in files {
                for value in ByteRangeTests.table.compactMap(\.0) {
                    let reply = try await server.get("/\(name)", version, "-H", "Range: \(value)")
                    switch ByteRange(value, size: Int64(bytes.count)) {
                    case .whole:
                        #expect(reply.status == 200 && reply.bytes == bytes, "\(name) \(value)")
                        #expect(reply.header("content-range") == nil)
                    case .part(let range):
                        #expect(reply.status == 206, "\(name) \(value)")
                        #expect(
                            reply.bytes == bytes[Int(range.lowerBound)..<Int(range.upperBound)],
                            "\(name) \(value)"
                        )
                        #expect(
                            reply.header("content-range")
                                == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)"
                        )
                        #expect(reply.header("content-length") == "\(range.count)")
                    case .unsatisfiable:
                        #expect(reply.status == 416, "\(name) \(value)")
                        #expect(reply.header("content-range") == "bytes */\(bytes.count)")
                    }
                }
            }
        }
    }

    @Test("tell a client that has the file so, and one that has another file the whole of this")
    func conditions() async throws {
        let tree = ScratchDirectory.path.appending("tree")
        for (name, count) in [("small", 1000), ("big", 200_000)] {
            try write(pattern(count), to: tree.appending(name))
            // Old enough for its date to be a strong validator.
            let old = try await runProgram("touch", ["-d", "2020-01-02T03:04:05Z", tree.appending(name).string])
            #expect(old.status == 0)
        }
        let date = "Thu, 02 Jan 2020 03:04:05 GMT"
        let earlier = "Thu, 02 Jan 2020 03:04:04 GMT"
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            for name in ["small", "big"] {
                let first = try await server.get("/\(name)")
                #expect(first.header("last-modified") == date)
                let tag = try #require(first.header("etag"))
                let rows: [([String], Int)] = [
                    (["If-None-Match: \(tag)"], 304), (["If-None-Match: W/\(tag)"], 304), (["If-None-Match: *"], 304),
                    (["If-None-Match: \"x\", \(tag)"], 304), (["If-None-Match: \"x\""], 200),
                    (["If-None-Match: \"x\"", "If-Modified-Since: \(date)"], 200),
                    (["If-Modified-Since: \(date)"], 304), (["If-Modified-Since: \(earlier)"], 200),
                    (["If-Modified-Since: nonsense"], 200), (["If-Match: \(tag)"], 200), (["If-Match: *"], 200),
                    (["If-Match: \"x\""], 412), (["If-Match: W/\(tag)"], 412),
                    (["If-Unmodified-Since: \(date)"], 200), (["If-Unmodified-Since: \(earlier)"], 412),
                    (["Range: bytes=5-9", "If-Range: \(tag)"], 206), (["Range: bytes=5-9", "If-Range: \(date)"], 206),
                    (["Range: bytes=5-9", "If-Range: \"x\""], 200), (["Range: bytes=5-9", "If-Range: W/\(tag)"], 200),
                    (["Range: bytes=5-9", "If-Range: \(earlier)"], 200),
                    (["Range: bytes=999999999-", "If-Range: \"x\""], 200),
                    (["Range: bytes=5-9", "If-None-Match: \(tag)"], 304),
                ]
                for (fields, status) in rows {
                    let reply = try await server.get("/\(name)", fields.flatMap { ["-H", $0] })
                    #expect(reply.status == status, "\(name) \(fields)")
                    if status == 304 {
                        #expect(reply.header("etag") == tag)
                        #expect(reply.header("cache-control") == "no-cache")
                        #expect(reply.header("content-length") == nil)
                        #expect(reply.bytes.isEmpty)
                    }
                }
                let head = try await server.get("/\(name)", "-I", "-H", "Range: bytes=5-9")
                #expect(head.status == 200)
            }
        }
    }

    @Test("see every change of the bytes, even one of the same size and date")
    func tags() async throws {
        let tree = ScratchDirectory.path.appending("tree")
        try await withTree(tree) { server in
            for count in [1000, 200_000] {
                let file = tree.appending("file")
                var seen: Set<String> = []
                for seed in 1...5 {
                    // Now in place, now by a new file under the old name.
                    let target = seed.isMultiple(of: 2) ? file : tree.appending(".new")
                    try write(pattern(count, seed: UInt64(seed)), to: target)
                    _ = try await runProgram("touch", ["-d", "2020-01-02T03:04:05Z", target.string])
                    if target != file { _ = try await runProgram("mv", [target.string, file.string]) }
                    let reply = try await server.get("/file")
                    #expect(reply.bytes == pattern(count, seed: UInt64(seed)))
                    seen.insert(try #require(reply.header("etag")))
                }
                #expect(seen.count == 5)
            }
        }
    }

    @Test("let curl resume a download where it was cut")
    func resume() async throws {
        let tree = ScratchDirectory.path.appending("tree")
        let bytes = pattern(2_000_000)
        try write(bytes, to: tree.appending("file"))
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            let part = ScratchDirectory.path.appending("part")
            try write(bytes[..<700_001], to: part)
            let result = try await runProgram(
                "curl",
                ["-sS", "-C", "-", "-o", part.string] + server.trust + [server.url + "/file"]
            )
            #expect(result.status == 0, "\(result.errors)")
            #expect(try Data(contentsOf: URL(filePath: part.string)) == bytes)
        }
    }

    private func withTree(_ tree: FilePath, _ body: (RunningServer) async throws -> Void) async throws {
        try write([], to: tree.appending("empty"))
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { try await body($0) }
    }
}
