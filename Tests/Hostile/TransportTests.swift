// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("The wire", .scratchDirectory)
struct TransportTests {
    /// Every kind of file that a creation reads, as a server sees it.
    private func files(_ stage: Stage) async throws -> [String] {
        let reference = try stage.manifest().indexes["example"]
        return [
            "/" + TreePath.pointer, "/" + TreePath.manifest(3), try await stage.path("image.json"),
            try await stage.path("meta.tar.xz"), try await stage.path("rootfs.tar.zst"),
        ] + (reference.map { ["/" + TreePath.index($0.sha256)] } ?? [])
    }

    @Test("45: a body one byte longer than signed, in every framing -> SIZE")
    func oneByteMore() async throws {
        try await Stage.run { stage in
            for path in [try await stage.path("meta.tar.xz"), try await stage.path("rootfs.tar.zst")] {
                let longer = try stage.bytes(path) + [0]
                let replies: [HostileServerReply] = [
                    .response(body: longer), .chunked([longer]), .response(body: longer, length: .some(nil)),
                ]
                for reply in replies {
                    stage.host.emptyCache()
                    stage.server.on(path) { _ in reply }
                    try await stage.refused(.size, mayLearn: true)
                }
                stage.server.remove(path)
            }
        }
    }

    @Test("46: a body one byte shorter than signed with a clean end -> SIZE")
    func oneByteLess() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("meta.tar.xz")
            let shorter = Array(try stage.bytes(path).dropLast())
            let replies: [HostileServerReply] = [
                .response(body: shorter), .chunked([shorter]), .response(body: shorter, length: .some(nil)),
            ]
            for reply in replies {
                stage.server.on(path) { _ in reply }
                try await stage.refused(.size, mayLearn: true)
            }
        }
    }

    @Test("47: an endless pointer -> SIZE at its limit")
    func endlessPointer() async throws {
        try await Stage.run { stage in
            stage.server.on("/" + TreePath.pointer) { _ in
                HostileServerReply([
                    .bytes(HostileServerReply.head(200, ["Connection: close"])),
                    .endlessly([UInt8](repeating: 0x41, count: 4096), every: .milliseconds(1)),
                ])
            }
            try await stage.refused(.size)
        }
    }

    @Test("48: Content-Encoding on any file -> TRANSPORT")
    func contentEncoding() async throws {
        try await Stage.run { stage in
            for path in try await files(stage) {
                let bytes = try stage.bytes(path)
                stage.host.emptyCache()
                stage.server.on(path) { _ in .response(["Content-Encoding: gzip"], body: bytes) }
                try await stage.refused(.transport, mayLearn: true)
                stage.server.remove(path)
            }
            try await stage.download().result.succeeded()
        }
    }

    @Test("49: a redirect to http, ftp or file -> TRANSPORT, and nothing is sent there")
    func redirects() async throws {
        try await HostileServer.with(wire: .plain) { plain in
            try await Stage.run { stage in
                for target in ["http://\(plain.authority)/x", "ftp://\(plain.authority)/x", "file:///etc/passwd"] {
                    stage.server.on("/" + TreePath.pointer) { _ in .redirect(to: target) }
                    let line = try await stage.refused(.transport)
                    #expect(line.contains("redirect refused"))
                }
                #expect(plain.connections == 0)
            }
        }
    }

    @Test("50: a loop of redirects -> TRANSPORT after five")
    func redirectLoop() async throws {
        try await Stage.run { stage in
            stage.server.forgetRequests()
            stage.server.on("/" + TreePath.pointer) { _ in .redirect(to: "/" + TreePath.pointer) }
            try await stage.refused(.transport)
            #expect(stage.server.count("/" + TreePath.pointer) == 6)
        }
    }

    @Test("51: old TLS, an expired, foreign, self-signed or unknown certificate -> TRANSPORT, and nothing is read")
    func certificates() async throws {
        let site = try await SharedSite.shared.copy()
        let host = try ClientHost()
        func refused(_ server: HostileServer, authority: String) async throws {
            server.serve(directory: site.tree)
            let words = ["--fingerprint", site.fingerprint, "--ca", authority]
            let pin = try await host.run(["trust", "add", server.url] + words)
            #expect(pin.status == 10, "\(pin.errors)")
            #expect(pin.errorLine?.hasPrefix("rootcellar: TRANSPORT: ") == true, "\(pin.errors)")
            #expect(server.requests.isEmpty)
        }
        for kind in [HostileServerCertificate.Kind.expired, .wrongHost, .selfSigned] {
            try await HostileServer.with(kind) { try await refused($0, authority: $0.caFile) }
        }
        try await HostileServer.with(wire: .oldTLS) { try await refused($0, authority: $0.caFile) }
        try await HostileServer.with { server in
            try await HostileServer.with(.otherAuthority) { try await refused(server, authority: $0.caFile) }
        }
    }

    @Test("52: one byte a second -> given up after the window, then the next mirror; alone -> TRANSPORT")
    func slow() async throws {
        try await HostileServer.with { mirror in
            try await Stage.run(mirrors: [mirror.url]) { stage in
                mirror.serve(directory: stage.site.tree)
                let path = try await stage.path("rootfs.tar.zst")
                let size = try stage.bytes(path).count
                stage.server.on(path) { _ in
                    HostileServerReply([
                        .bytes(HostileServerReply.head(200, ["Content-Length: \(size)"])),
                        .endlessly([0x28], every: .seconds(1)),
                    ])
                }
                let creation = try await stage.download()
                try creation.result.succeeded()
                #expect(creation.result.errors.contains("\(stage.server.url) is left"), "\(creation.result.errors)")
                #expect(creation.result.errors.contains("too slow"))
                #expect(mirror.count(path) == 1)
            }
        }
    }

    @Test("53: a flood of headers or of interim answers -> TRANSPORT")
    func floods() async throws {
        try await Stage.run { stage in
            let floods = [
                (HostileServerReply.head(200, []).dropLast(2), Array("X-Flood: flood\r\n".utf8)),
                ([], Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)),
            ]
            for (first, again) in floods {
                let start = Array(first)
                stage.server.on("/" + TreePath.pointer) { _ in
                    let piece = Array(repeatElement(again, count: 200).joined())
                    return HostileServerReply([.bytes(start), .endlessly(piece, every: .milliseconds(1))])
                }
                try await stage.refused(.transport)
            }
        }
    }

    /// Cuts the first answer for the rootfs in its second block; later ones are `second`'s.
    private func interrupted(
        _ stage: Stage,
        _ second: @escaping @Sendable (HostileServerRequest, [UInt8]) -> HostileServerReply
    ) async throws {
        let path = try await stage.path("rootfs.tar.zst")
        let bytes = try stage.bytes(path)
        #expect(bytes.count > 2 << 20)
        let isFirst = Mutex(true)
        stage.server.on(path) { request in
            let first = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            return first
                ? .response(["ETag: \"one\""], body: bytes, cut: (1 << 20) + 5000) : second(request, bytes)
        }
        stage.host.emptyCache()
        stage.server.forgetRequests()
        let creation = try await stage.download()
        try creation.result.succeeded()
        let reference = try await stage.download()
        #expect(try await creation.snapshot().differences(from: try await reference.snapshot()) == [])
        #expect(stage.server.requests.contains { $0.path == path && $0.rangeStart ?? 0 > 1 << 20 })
        #expect(try await stage.host.strangeCacheFiles() == [])
    }

    @Test(
        "54: 206 with a wrong start, a wrong total or a changed entity tag -> from the beginning, and right at the end"
    )
    func wrongRanges() async throws {
        try await Stage.run { stage in
            let wrongs: [@Sendable (Int, Int) -> [String]] = [
                { start, size in ["Content-Range: bytes \(start - 1)-\(size - 1)/\(size)"] },
                { start, size in ["Content-Range: bytes \(start)-\(size - 1)/\(size + 1)"] },
                { start, size in ["Content-Range: bytes \(start)-\(size - 1)/\(size)", "ETag: \"two\""] },
            ]
            for wrong in wrongs {
                try await interrupted(stage) { request, bytes in
                    guard let start = request.rangeStart else { return .content(bytes, for: request) }
                    return .response(status: 206, wrong(start, bytes.count), body: Array(bytes[start...]))
                }
            }
        }
    }

    @Test("55: 200 to a range -> from the beginning, and right at the end")
    func wholeForRange() async throws {
        try await Stage.run { stage in
            try await interrupted(stage) { _, bytes in .response(body: bytes) }
        }
    }

    @Test("56: 416 -> never taken for done")
    func unsatisfiable() async throws {
        try await Stage.run { stage in
            try await interrupted(stage) { request, bytes in
                request.rangeStart == nil
                    ? .response(body: bytes) : .response(status: 416, ["Content-Range: bytes */\(bytes.count)"])
            }
        }
    }

    @Test("57: a poisoned part in the cache is fetched anew; a poisoned server -> one clean retry, then HASH")
    func poisoned() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("rootfs.tar.zst")
            let bytes = try stage.bytes(path)
            let part = stage.host.cache.appending("objects/partial/\(SHA256Digest(hashing: bytes))")
            try makeDirectory(part.removingLastComponent())
            var poison = bytes
            poison[(1 << 20) + 7] ^= 1
            try write(poison, to: part)
            stage.server.forgetRequests()
            try await stage.download().result.succeeded()
            let begins = stage.server.requests.filter { $0.path == path }.map(\.rangeStart)
            #expect(begins == [1 << 20])

            stage.host.emptyCache()
            stage.server.forgetRequests()
            let poisoned = poison
            stage.server.on(path) { .content(poisoned, for: $0) }
            let line = try await stage.refused(.hash, mayLearn: true)
            #expect(line.contains("block 1 "))
            #expect(stage.server.requests.filter { $0.path == path }.map(\.rangeStart) == [nil, 1 << 20])
            stage.server.remove(path)
            try await stage.download().result.succeeded()
        }
    }

    @Test("58: 204, 206 unasked, an empty 200, two lengths -> TRANSPORT or SIZE")
    func oddAnswers() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("meta.tar.xz")
            let bytes = try stage.bytes(path)
            let range = "Content-Range: bytes 0-\(bytes.count - 1)/\(bytes.count)"
            let answers: [(HostileServerReply, ErrorClass)] = [
                (.response(status: 204), .transport),
                (.response(status: 206, [range], body: bytes), .transport),
                (.response(body: []), .size),
                (.response(["Content-Length: \(bytes.count + 1)"], body: bytes), .transport),
            ]
            for (answer, errorClass) in answers {
                stage.server.on(path) { _ in answer }
                try await stage.refused(errorClass, mayLearn: true)
            }
        }
    }

    @Test("59: the first mirror has a bad signature, the second is good -> success and a warning naming the first")
    func badMirror() async throws {
        try await HostileServer.with { mirror in
            try await Stage.run(mirrors: [mirror.url]) { stage in
                mirror.serve(directory: stage.site.tree)
                let pointer = "/" + TreePath.pointer
                stage.server.tamper(pointer, in: stage.site.tree) { bytes in
                    var bad = bytes
                    bad[60] ^= 1
                    return bad
                }
                stage.server.forgetRequests()
                let creation = try await stage.download()
                try creation.result.succeeded()
                let warning = "rootcellar: warning: \(stage.server.url) is left, another address is asked (SIGNATURE: "
                #expect(creation.result.errors.contains(warning), "\(creation.result.errors)")
                // It is left for everything else, too.
                #expect(Set(stage.server.requests.map(\.path)).isSubset(of: [pointer, "/" + TreePath.root(2)]))
                #expect(mirror.requests.contains { $0.path.hasSuffix("rootfs.tar.zst") })
            }
        }
    }
}
