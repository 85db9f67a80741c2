// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("Who may read what", .scratchDirectory)
struct AccessTests {
    /// A file with one token, and the token.
    private func addToken(
        _ name: String,
        _ images: String,
        scope: TokenList.Token.Scope = .read,
        expires: Timestamp? = nil,
        hasSecret: Bool = true
    ) throws -> String {
        let token = BearerToken.random()
        let entry = TokenList.Token(
            name: name,
            scope: scope,
            images: [try ImagePattern(images)],
            created: .now,
            expires: expires,
            sha256: hasSecret ? token.digest : nil
        )
        try tokens.update { list throws(RootcellarError) in try list.add(entry) }
        return token.secret
    }

    private var tokens: TokenFile { TokenFile(ScratchDirectory.path.appending("tokens.json")) }

    private func bearer(_ token: String) -> [String] { ["-H", "Authorization: Bearer \(token)"] }

    @Test(
        "is decided by token and image; a private image is not there for others",
        arguments: ["--http1.1", "--http2"]
    )
    func privateImages(_ version: String) async throws {
        let tree = try makeTree(ScratchDirectory.path)
        let other = "/images/alpine/edge/amd64/default/20260101_00:00/rootfs.tar.xz"
        try write("open".utf8, to: tree.appending(String(other.dropFirst())))
        let reader = try addToken("reader", "debian/*/amd64/*")
        let stranger = try addToken("stranger", "alpine/*/*/*")
        let builder = try addToken("builder", "*", scope: .upload)
        let late = try addToken("late", "*", expires: Timestamp.now.adding(seconds: -1))
        let options: (inout ServeOptions) throws -> Void = {
            $0.tokens = tokens.path
            $0.privateImages = [try ImagePattern("debian/*/*/*")]
        }
        let log = LogLines()
        let secret = buildPath + "/rootfs.tar.xz"
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, log: log, options: options) { server in
            let rows: [(String, [String], Int)] = [
                (secret, [], 404), (secret, bearer(reader), 200), (secret, bearer(stranger), 404),
                (secret, bearer(builder), 404), (secret, bearer(late), 401), (other, [], 200),
                (other, bearer(reader), 200), (other, bearer(late), 401), (secret, ["-u", "a:b"], 404),
                (secret, ["-H", "Authorization: bearer  \(reader)"], 200),
                (secret, ["-H", "Authorization: Bearer"], 404), (secret, bearer("x"), 401),
                (secret, bearer(reader) + bearer(stranger), 401), (secret, bearer(String(reader.dropLast())), 401),
                (secret, bearer(reader + "0"), 401), ("/meta/1.0/index-system", [], 200), ("/healthz", [], 503),
                (secret.replacing("debian", with: "debia%6e"), [], 404), ("//images" + secret.dropFirst(7), [], 404),
                (secret.replacing("/debian", with: "//debian"), [], 404),
                (buildPath.replacing("/20260101_00:00", with: ""), [], 404),
                ("/images/Debian/bookworm/amd64/default/20260101_00:00/rootfs.tar.xz", [], 404),
            ]
            for (path, words, status) in rows {
                let reply = try await server.get(path, [version] + words)
                #expect(reply.status == status, "\(path) \(words)")
                let caching = reply.header("cache-control") ?? ""
                if path == secret, status == 200 { #expect(caching.hasPrefix("private, "), "\(caching)") }
                if path == other, status == 200 { #expect(caching.hasPrefix("public, "), "\(caching)") }
                if status == 401 {
                    #expect(reply.header("www-authenticate")?.contains("invalid_token") == true)
                    #expect(caching == "no-cache")
                }
            }
            // A hidden image looks like one that is not there.
            let (hidden, none) = (try await server.get(secret), try await server.get("/none"))
            #expect(hidden.text == none.text)
            #expect(
                hidden.head.split(whereSeparator: \.isNewline).count
                    == none.head.split(whereSeparator: \.isNewline).count
            )
        }
        for token in [reader, stranger, builder, late] {
            #expect(!log.lines.contains { $0.contains(token.dropFirst(4)) })
        }
        #expect(log.lines.contains { $0.contains(#""token":"reader""#) })
    }

    @Test("without a token is nobody, if so chosen, but whoever watches the server")
    func noAnonymous() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        try SignedSample().write(to: tree)
        let reader = try addToken("reader", "debian/*/amd64/*")
        let stranger = try addToken("stranger", "alpine/*/*/*")
        let builder = try addToken("builder", "*", scope: .upload)
        let options: (inout ServeOptions) -> Void = {
            $0.tokens = tokens.path
            $0.allowsAnonymousReading = false
        }
        let secret = buildPath + "/rootfs.tar.xz"
        let pointer = "/rootcellar/pointer.signed"
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, options: options) { server in
            let rows: [(String, [String], Int)] = [
                (pointer, [], 401), (secret, [], 401), ("/none", [], 401), ("/metrics", [], 401), ("/healthz", [], 200),
                (pointer, bearer(reader), 200), (pointer, bearer(stranger), 200), (pointer, bearer(builder), 403),
                (secret, bearer(reader), 200), (secret, bearer(stranger), 404), ("/metrics", bearer(reader), 200),
                ("/none", bearer(reader), 404),
            ]
            for (path, words, status) in rows {
                let reply = try await server.get(path, words)
                #expect(reply.status == status, "\(path) \(words)")
                if path == pointer, status == 200 { #expect(reply.header("cache-control") == "private, no-cache") }
                if status == 401 { #expect(reply.header("www-authenticate") == "Bearer realm=\"rootcellar\"") }
            }
        }
    }

    @Test("changes while the server runs; a list that cannot be read counts for nothing")
    func reload() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        let reader = try addToken("reader", "*")
        let log = LogLines()
        let options: (inout ServeOptions) throws -> Void = {
            $0.tokens = tokens.path
            $0.privateImages = [try ImagePattern("*")]
            $0.limits.reloadInterval = .milliseconds(100)
        }
        let secret = buildPath + "/rootfs.tar.xz"
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, log: log, options: options) { server in
            #expect(try await server.get(secret, bearer(reader)).status == 200)
            let second = try addToken("second", "*")
            #expect(try await eventually { try await server.get(secret, bearer(second)).status == 200 })
            try tokens.update { list throws(RootcellarError) in try list.remove("reader") }
            #expect(try await eventually { try await server.get(secret, bearer(reader)).status == 401 })
            #expect(try await server.get(secret, bearer(second)).status == 200)
            try write("{\"format\":1,\"tokens\":[".utf8, to: tokens.path)
            #expect(try await eventually { try await server.get(secret, bearer(second)).status == 401 })
            #expect(log.told.contains { $0.contains("no token counts") }, "\(log.told)")
        }
    }

    @Test(
        "is known by a certificate, too: of the given authority, by its common name",
        arguments: ["--http1.1", "--http2"]
    )
    func certificates(_ version: String) async throws {
        let scratch = ScratchDirectory.path
        func make(_ name: String, _ more: [String]) async throws -> [String] {
            let (certificate, key) = (scratch.appending("\(name).pem").string, scratch.appending("\(name).key").string)
            let result = try await runProgram(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj",
                    "/O=Example/CN=\(name)", "-days", "2", "-out", certificate, "-keyout", key,
                ] + more
            )
            #expect(result.status == 0, "\(result.errors)")
            return ["--cert", certificate, "--key", key]
        }
        let authority = try await make("authority", [])
        let issued = ["-CA", authority[1], "-CAkey", authority[3]]
        let known = try await make("builder-1.example.org", issued)
        let unknown = try await make("somebody", issued)
        let own = try await make("self-made", [])
        _ = try addToken("builder-1.example.org", "debian/*/*/*", hasSecret: false)
        _ = try addToken("self-made", "*", hasSecret: false)
        let options: (inout ServeOptions) throws -> Void = {
            $0.tokens = tokens.path
            $0.privateImages = [try ImagePattern("*")]
            $0.clientAuthorities = FilePath(authority[1])
        }
        let tree = try makeTree(scratch)
        let secret = buildPath + "/rootfs.tar.xz"
        try await RunningServer.run(over: tree, in: scratch, options: options) { server in
            let shown = try await server.get(secret, [version] + known)
            #expect(shown.text == "rootfs.tar.xz")
            #expect(try await server.get(secret, [version] + unknown).status == 404)
            #expect(try await server.get(secret, [version]).status == 404)
            #expect(try await server.get("/rootcellar/pointer.signed", [version] + unknown).text == "pointer")
            // The handshake fails, whatever is asked for.
            #expect(try await server.get("/rootcellar/pointer.signed", [version] + own).status == 0)
        }
    }

    @Test("is asked for no more often than allowed: 429 with the time to wait, for each by itself")
    func rate() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        let reader = try addToken("reader", "*")
        let options: (inout ServeOptions) -> Void = {
            $0.tokens = tokens.path
            $0.rate = 0.2
        }
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, options: options) { server in
            // Two at once are allowed.
            #expect(try await server.get("/index.html").status == 200)
            #expect(try await server.get("/none").status == 404)
            let refused = try await server.get("/index.html")
            #expect(refused.status == 429)
            #expect((1...5).contains(Int(refused.header("retry-after") ?? "") ?? 0), "\(refused.head)")
            #expect(try await server.get("/index.html", bearer("wrong-wrong-wrong")).status == 429)
            #expect(try await server.get("/index.html", bearer(reader)).status == 200)
        }
    }
}

@Suite("A rate limit")
struct RateLimiterTests {
    @Test("lets through what it says, over any time, and forgets who does not come back")
    func rate() {
        let limiter = RateLimiter(rate: 5)
        let start = ContinuousClock.now
        var random = SeededGenerator()
        var (time, admitted) = (Duration.zero, 0)
        while time < .seconds(100) {
            if let wait = limiter.admit("a", now: start + time) {
                #expect((1...2).contains(wait))
            } else {
                admitted += 1
            }
            time += .milliseconds(Int.random(in: 0...100, using: &random))
        }
        #expect((540...551).contains(admitted), "seed \(random.seed): \(admitted)")
        for number in 0..<(RateLimiter.most + 10) { _ = limiter.admit("\(number)", now: start + .seconds(200)) }
        #expect(limiter.count <= RateLimiter.most)
        #expect(limiter.admit("new", now: start) == nil)
    }
}

@Suite("The file of tokens", .scratchDirectory)
struct TokenFileTests {
    private func entry(_ name: String) throws -> TokenList.Token {
        TokenList.Token(
            name: name,
            scope: .read,
            images: [try ImagePattern("*")],
            created: .now,
            sha256: BearerToken.random().digest
        )
    }

    @Test("is for its owner alone, has no secrets, and no two tokens of one name")
    func file() throws {
        let file = TokenFile(ScratchDirectory.path.appending("tokens"))
        #expect(throws: RootcellarError.self) { try file.read() }
        let one = try entry("one")
        try file.update { list throws(RootcellarError) in try list.add(one) }
        #expect(FileStatus(path: file.path)?.mode == 0o100600)
        #expect(try file.read().tokens == [one])
        for name in ["one", "", "a b", "-a", "a/b", "ä", String(repeating: "a", count: 65), "a\n"] {
            let token = try entry(name)
            #expect {
                try file.update { list throws(RootcellarError) in try list.add(token) }
            } throws: { ($0 as? RootcellarError)?.errorClass == .policy }
        }
        #expect(throws: RootcellarError.self) {
            try file.update { list throws(RootcellarError) in try list.remove("two") }
        }
        #expect(try file.read().tokens == [one])
    }

    @Test("is refused as POLICY when others may read it or it is something else")
    func refused() async throws {
        let path = ScratchDirectory.path.appending("tokens")
        let sound = try TokenList().canonicalBytes()
        let rows: [(String, String, [UInt8])] = [
            ("600", "", sound), ("640", "others", sound), ("602", "others", sound),
            ("600", "well formed", Array("{}".utf8)),
            ("600", "well formed", []), ("600", "too old", Array("{\"format\":2,\"tokens\":[]}".utf8)),
        ]
        for (mode, word, bytes) in rows {
            try write(bytes, to: path)
            #expect(try await runProgram("chmod", [mode, path.string]).status == 0)
            do throws(RootcellarError) {
                _ = try TokenFile(path).read()
                #expect(word.isEmpty, "\(word)")
            } catch {
                #expect(error.errorClass == .policy && !word.isEmpty && error.reason.contains(word), "\(error)")
            }
        }
        #expect(throws: RootcellarError.self) { try TokenFile(ScratchDirectory.path).read() }
    }

    @Test("takes the changes of many at once, each whole")
    func parallel() async throws {
        let file = TokenFile(ScratchDirectory.path.appending("tokens"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                let token = try entry("token-\(number)")
                group.addTask { try file.update { list throws(RootcellarError) in try list.add(token) } }
            }
            try await group.waitForAll()
        }
        #expect(try file.read().tokens.count == 20)
    }
}
