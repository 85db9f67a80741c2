// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Model
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("A file that has not changed", .scratchDirectory)
struct FreshnessTests {
    private static let target = "/rootcellar/pointer.signed"

    /// Waits until files that were just made are remembered: nobody can set the time at which an inode has changed.
    private func settle() async throws { try await Task.sleep(for: .milliseconds(3100)) }

    @Test(
        "is not sent again, by the same words as when it was first asked for; one that has changed is",
        arguments: ["--http1.1", "--http2"]
    )
    func answers(_ version: String) async throws {
        let tree = try makeTree(ScratchDirectory.path)
        try await settle()
        let log = LogLines()
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, log: log) { server in
            let first = try await server.get(Self.target, version)
            let tag = try #require(first.header("etag"))
            func lines(_ reply: Reply) -> [String] {
                reply.head.split(whereSeparator: \.isNewline).map { $0.lowercased() }.filter { !$0.hasPrefix("date:") }
                    .sorted()
            }
            // By the responder first, as there is a condition that needs thought; then on the event loop.
            let slow = try await server.get(Self.target, version, "-H", "If-None-Match: \"x\", \(tag)")
            let quick = try await server.get(Self.target, version, "-H", "If-None-Match: \(tag)")
            #expect(
                slow.status == 304 && quick.status == 304 && lines(slow) == lines(quick),
                "\(slow.head)\(quick.head)"
            )
            #expect(quick.header("date") != nil)
            #expect(try await server.get(Self.target, version, "-I", "-H", "If-None-Match: \(tag)").status == 304)
            #expect(try await server.get(Self.target, version, "-H", "If-None-Match: \"other\"").text == "pointer")
            // In place, of the same size; then by rename; then away.
            try write("POINTER".utf8, to: tree.appending("rootcellar/pointer.signed"))
            #expect(try await server.get(Self.target, version, "-H", "If-None-Match: \(tag)").text == "POINTER")
            try write("pointer".utf8, to: tree.appending("new"))
            _ = try await runProgram(
                "mv",
                [tree.appending("new").string, tree.appending("rootcellar/pointer.signed").string]
            )
            let same = try await server.get(Self.target, version, "-H", "If-None-Match: \(tag)")
            #expect(same.status == 304, "the tag of a small file is of its bytes")
            _ = try await runProgram("rm", [tree.appending("rootcellar/pointer.signed").string])
            #expect(try await server.get(Self.target, version, "-H", "If-None-Match: \(tag)").status == 404)
        }
        #expect(log.lines.count == 8 && log.lines.count { $0.contains("\"status\":304") } == 4, "\(log.lines)")
    }

    /// What knows one file, and a channel that requests come from.
    private func knowing() throws -> (files: FreshFiles, tag: String) {
        let tree = ScratchDirectory.path.appending("tree")
        try write("pointer".utf8, to: tree.appending("rootcellar/pointer.signed"))
        let published = try PublishedTree(tree)
        let files = FreshFiles(
            published,
            limiter: nil,
            proxies: [],
            log: AccessLog(write: nil, counters: Counters(), logger: nil)
        )
        let status = try #require(published.status("rootcellar/pointer.signed"))
        files.remember(
            Self.target,
            "rootcellar/pointer.signed",
            status,
            EntityTag(status),
            [.cacheControl: "no-cache"],
            now: Timestamp.now.adding(seconds: 60)
        )
        return (files, EntityTag(status).text)
    }

    @Test("is known only if it was not changed a moment ago, and only to a request without anything else")
    func requests() throws {
        let (files, tag) = try knowing()
        let channel = EmbeddedChannel()
        func isAnswered(_ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields) -> Bool {
            let head = HTTPRequest(method: method, scheme: nil, authority: nil, path: path, headerFields: fields)
            return files.answer(head, over: channel) != nil
        }
        #expect(isAnswered(.get, Self.target, [.ifNoneMatch: tag]))
        #expect(isAnswered(.head, Self.target, [.ifNoneMatch: tag, .range: "bytes=0-1", .userAgent: "x"]))
        for (method, path, fields) in [
            (HTTPRequest.Method.put, Self.target, [.ifNoneMatch: tag] as HTTPFields), (.get, Self.target, [:]),
            (.get, Self.target + "?", [.ifNoneMatch: tag]), (.get, "/" + Self.target, [.ifNoneMatch: tag]),
            (.get, Self.target, [.ifNoneMatch: "*"]), (.get, Self.target, [.ifNoneMatch: "W/\(tag)"]),
            (.get, Self.target, [.ifNoneMatch: tag, .authorization: "Bearer x"]),
            (.get, Self.target, [.ifNoneMatch: tag, .ifMatch: "x"]),
            (.get, Self.target, [.ifNoneMatch: tag, .connection: "close"]),
            (.get, Self.target, [.ifNoneMatch: tag, .contentLength: "1"]),
        ] { #expect(!isAnswered(method, path, fields), "\(method) \(path) \(fields)") }
        var twice: HTTPFields = [.ifNoneMatch: tag]
        twice.append(HTTPField(name: .ifNoneMatch, value: tag))
        #expect(!isAnswered(.get, Self.target, twice))
        let tree = ScratchDirectory.path.appending("tree/rootcellar")
        try write("x".utf8, to: tree.appending("new"))
        let published = try PublishedTree(tree)
        let status = try #require(published.status("new"))
        files.remember("/new", "rootcellar/new", status, EntityTag(status), [:], now: .now)
        #expect(!isAnswered(.get, "/new", [.ifNoneMatch: EntityTag(status).text]))
        // As many as anybody may think of are remembered, and no more.
        for number in 0..<(FreshFiles.most + 10) {
            files.remember(
                "/\(number)",
                "rootcellar/new",
                status,
                EntityTag(status),
                [:],
                now: Timestamp(seconds: 1 << 40)
            )
        }
        #expect(files.count <= FreshFiles.most)
    }

    /// Requests of both kinds come in any order before anything was answered; the responder answers when it likes.
    @Test("is told in its turn, whatever was asked for before on the same connection")
    func order() throws {
        let (files, tag) = try knowing()
        var random = SeededGenerator()
        for _ in 0..<200 {
            let channel = EmbeddedChannel(handler: FreshnessHandler(files))
            var (asked, answered, passedOn): ([Int], [Int], [Int]) = ([], [], [])
            func collect() throws {
                while let part = try channel.readInbound(as: HTTPRequestPart.self) {
                    if case .head(let head) = part { passedOn.append(head.path == Self.target ? 304 : 200) }
                }
                while let part = try channel.readOutbound(as: HTTPResponsePart.self) {
                    if case .head(let head) = part { answered.append(head.status.code) }
                }
            }
            func answer() throws {
                guard !passedOn.isEmpty else { return }
                try channel.writeOutbound(
                    HTTPResponsePart.head(HTTPResponse(status: .init(code: passedOn.removeFirst())))
                )
                try channel.writeOutbound(HTTPResponsePart.end(nil))
            }
            for _ in 0..<20 {
                let isFresh = Bool.random(using: &random)
                let head = HTTPRequest(
                    method: .get,
                    scheme: nil,
                    authority: nil,
                    path: isFresh ? Self.target : "/other",
                    headerFields: [.ifNoneMatch: tag]
                )
                asked.append(isFresh ? 304 : 200)
                try channel.writeInbound(HTTPRequestPart.head(head))
                if Int.random(in: 0..<8, using: &random) == 0 {
                    try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
                }
                try channel.writeInbound(HTTPRequestPart.end(nil))
                try collect()
                if Bool.random(using: &random) { try answer() }
                try collect()
            }
            while !passedOn.isEmpty {
                try answer()
                try collect()
            }
            #expect(asked == answered, "seed \(random.seed)")
            _ = try channel.finish(acceptAlreadyClosed: true)
        }
    }
}
