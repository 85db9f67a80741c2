// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("The operator of a server", .scratchDirectory)
struct OperationsTests {
    private func serving(
        _ sample: SignedSample? = SignedSample(),
        log: LogLines? = nil,
        options: (inout ServeOptions) throws -> Void = { _ in },
        _ body: (RunningServer, FilePath) async throws -> Void
    ) async throws {
        let tree = try makeTree(ScratchDirectory.path)
        try sample?.write(to: tree)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, log: log, options: options) { server in
            try await body(server, tree)
        }
    }

    private func health(_ server: RunningServer) async throws -> (status: Int, report: JSONValue) {
        let reply = try await server.get("/healthz")
        #expect(reply.header("content-type") == "application/json" && reply.header("cache-control") == "no-cache")
        return (reply.status, try #require(JSONValue(reading: Array(reply.bytes)), "\(reply.text)"))
    }

    @Test("is told the age of the pointer and when everything ends")
    func healthy() async throws {
        try await serving { server, tree in
            let (status, report) = try await health(server)
            #expect(status == 200 && report["status"]?.string == "ok" && report["problems"] == .array([]), "\(report)")
            #expect(report["server"]?.string == "sample" && report["version"]?.integer == 7)
            let age = try #require(report["age"]?.integer)
            #expect((3600...3700).contains(age))
            let left = try #require(report["pointer"]?["secondsLeft"]?.integer)
            #expect(age + left == 7 * 86400)
            #expect(report["certificate"]?["secondsLeft"]?.integer ?? 0 > 86400)
            let head = try await server.get("/healthz", "-I")
            #expect(head.status == 200 && Int(head.header("content-length") ?? "") ?? 0 > 100)
            // A publication is seen at once.
            var next = SignedSample()
            (next.version, next.age) = (8, 10)
            try next.write(to: tree)
            let after = try await health(server).report
            #expect(after["version"]?.integer == 8)
            #expect((10...100).contains(try #require(after["age"]?.integer)))
        }
    }

    @Test("is warned before clients refuse what is published, and told when they do")
    func ends() async throws {
        let day: Int64 = 86400
        let rows: [(SignedSample, Int, String, String)] = [
            (SignedSample(age: 3 * day), 200, "ok", ""),
            (SignedSample(age: 4 * day), 200, "degraded", "half of its validity"),
            (SignedSample(age: 7 * day), 503, "expired", "the pointer was valid until"),
            (SignedSample(age: 400 * day), 503, "expired", "the pointer was valid until"),
            (SignedSample(manifestLeft: 29 * day), 200, "degraded", "the manifest ends"),
            (SignedSample(manifestLeft: -1), 503, "expired", "the manifest was"),
            (SignedSample(rootLeft: 29 * day), 200, "degraded", "the root document ends"),
            (SignedSample(rootLeft: 0), 503, "expired", "the root document was"),
            (SignedSample(age: -day), 200, "degraded", "still to come"),
            (SignedSample(manifestLeft: 29 * day, rootLeft: -1), 503, "expired", "the manifest ends"),
        ]
        try await serving(nil) { server, tree in
            for (number, (sample, expected, word, problem)) in rows.enumerated() {
                // A pointer that has changed is what makes the server read again.
                var sample = sample
                sample.version = 10 + number
                try sample.write(to: tree)
                let (status, report) = try await health(server)
                #expect(status == expected && report["status"]?.string == word, "\(report)")
                #expect("\(report["problems"] ?? .null)".contains(problem), "\(report)")
            }
        }
    }

    @Test("is told that the tree cannot be read, whatever is wrong with it; the files are served all the same")
    func unreadable() async throws {
        try await serving(nil) { server, tree in
            // The pointer of `makeTree` is none.
            #expect(try await health(server).status == 503)
            try SignedSample().write(to: tree)
            let sound = try bytes(of: tree.appending(TreePath.pointer))
            #expect(try await health(server).status == 200)
            var random = SeededGenerator()
            for _ in 0..<40 {
                var damaged = Array(sound)
                let place = Int.random(in: 0..<damaged.count, using: &random)
                damaged[place] ^= UInt8.random(in: 1...255, using: &random)
                try write(
                    damaged.prefix(Bool.random(using: &random) ? place : damaged.count),
                    to: tree.appending(TreePath.pointer)
                )
                let (status, report) = try await health(server)
                #expect(status == 200 || report["problems"] != .array([]), "seed \(random.seed): \(report)")
            }
            try write(sound, to: tree.appending(TreePath.pointer))
            #expect(try await health(server).status == 200)
            try write("{}".utf8, to: tree.appending(TreePath.manifest(7)))
            // What was read before is what the pointer still names.
            #expect(try await health(server).status == 200)
            try SignedSample(version: 8).write(to: tree)
            try write("{}".utf8, to: tree.appending(TreePath.manifest(8)))
            let (status, report) = try await health(server)
            #expect(status == 503 && report["status"]?.string == "unreadable", "\(report)")
            #expect("\(report)".contains("rootcellar/manifest/8.signed"), "\(report)")
            #expect(try await server.get("/rootcellar/root/1.signed").status == 200)
            #expect(try await server.get("/metrics").text.contains("\nrootcellar_tree_readable 0\n"))
        }
    }

    @Test("gets figures that Prometheus' own format allows, and that add up")
    func metrics() async throws {
        try await serving(SignedSample(manifestLeft: 100 * 86400 - 400)) { server, _ in
            for path in ["/index.html", "/none", "/images", "/rootcellar/root/1.signed"] {
                _ = try await server.get(path)
            }
            let part = try await server.get(buildPath + "/rootfs.squashfs", "-r", "0-99999")
            #expect(part.bytes.count == 100_000)
            let reply = try await server.get("/metrics")
            #expect(reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            let text = reply.text
            for line in [
                "requests_total{class=\"2xx\"} 3", "requests_total{class=\"3xx\"} 1",
                "requests_total{class=\"4xx\"} 1", "requests_total{class=\"5xx\"} 0", "images 1", "builds 2",
                "manifest_version 7", "tree_readable 1", "connections_total 6", "connections_refused_total 0",
                "expiry_days{document=\"pointer\"} 6.95", "expiry_days{document=\"manifest\"} 99.99",
            ] { #expect(text.contains("\nrootcellar_\(line)"), "\(line): \(text)") }
            let sent = try #require(text.firstMatch(of: /response_bytes_total (\d+)\n/)).1
            #expect(Int(sent) ?? 0 >= 100_013)
            // Every line is a comment or a sample, and every sample's name was introduced.
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                let match = try #require(
                    line.wholeMatch(of: /([a-z_]+)(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?\d+(\.\d+)?/),
                    "\(line)"
                )
                #expect(text.contains("# TYPE \(match.1) ") && text.contains("# HELP \(match.1) "))
            }
            #expect(text.hasSuffix("\n"))
        }
    }

    @Test("finds one line of JSON for each request, whatever the client says, and no token in it")
    func log() async throws {
        let log = LogLines()
        let token = "rct_" + String(repeating: "5e", count: 32)
        try await serving(log: log) { server, _ in
            _ = try await server.get("/index.html", "-A", "lxc/5.0.2 compat:7")
            _ = try await server.get("/%0aroot%1b[31m\"x\"", "-A", "a\" 200 \u{1B}[2J\u{202E}\\")
            _ = try await server.get("/x?token=\(token)", "-A", token, "-e", token)
        }
        #expect(log.lines.count == 3, "\(log.lines)")
        for line in log.lines {
            #expect(!line.unicodeScalars.contains(where: isUnprintable))
            let entry = try #require(JSONValue(reading: Array(line.utf8)), "\(line)")
            #expect(entry["time"]?.string.flatMap { Timestamp($0) } != nil && entry["milliseconds"] != nil)
            #expect(entry["client"]?.string?.hasPrefix("127.0.0.1:") == true)
            #expect(!line.contains("5e5e"), "\(line)")
        }
        let first = try #require(log.lines.first.flatMap { JSONValue(reading: Array($0.utf8)) })
        #expect(first["agent"]?.string == "lxc/5.0.2 compat:7" && first["bytes"]?.integer == 13)
        #expect(first["method"]?.string == "GET" && first["path"]?.string == "/index.html")
        #expect(first["status"]?.integer == 200)
        #expect(log.lines.contains { $0.contains(#"\"x\""#) })
    }

    @Test("changes the certificate of a running server; a broken one is reported and the old one stays")
    func reload() async throws {
        let scratch = ScratchDirectory.path
        var both: [TestCertificates] = []
        for name in ["one", "two"] {
            try FileManager.default.createDirectory(
                atPath: scratch.appending(name).string,
                withIntermediateDirectories: true
            )
            both.append(try await TestCertificates.make(in: scratch.appending(name)))
        }
        let made = both
        let (certificate, key) = (scratch.appending("live.pem"), scratch.appending("live.key"))
        func install(_ certificates: TestCertificates, key other: TestCertificates? = nil) async throws {
            // As certbot does it: one after the other.
            for (from, to) in [
                (certificates.certificate, certificate), ((other ?? certificates).key, key),
            ] {
                let result = try await runProgram("cp", ["-p", from.string, to.string])
                #expect(result.status == 0, "\(result.errors)")
            }
        }
        try await install(made[0])
        let log = LogLines()
        let identity = try CurrentIdentity(certificate: certificate, key: key)
        let tree = try makeTree(scratch)
        let quick: (inout ServeOptions) -> Void = { $0.limits.reloadInterval = .milliseconds(200) }
        try await RunningServer.run(over: tree, in: scratch, identity: identity, log: log, options: quick) { server in
            func isShown(_ certificates: TestCertificates) async throws -> Bool {
                let result = try await runProgram(
                    "curl",
                    ["-sS", "--cacert", certificates.authority.string, server.url + "/rootcellar/pointer.signed"]
                )
                return result.output == "pointer"
            }
            #expect(try await isShown(made[0]))
            #expect(try await !isShown(made[1]))
            // A key that does not fit.
            try await install(made[1], key: made[0])
            #expect(try await eventually { log.told.contains { $0.contains("the old one stays") } })
            #expect(try await isShown(made[0]))
            // A connection that is open goes on while the pair changes.
            async let long = server.get(
                buildPath + "/rootfs.squashfs",
                "--limit-rate",
                "1M",
                "--cacert",
                made[0].authority.string
            )
            try await install(made[1])
            #expect(try await eventually { try await isShown(made[1]) })
            #expect(try await !isShown(made[0]))
            #expect(try await long.bytes == pattern(3_000_000))
            #expect(log.told.contains { $0.contains("new certificate") }, "\(log.told)")
        }
    }

    @Test("puts it below a path of a real nginx, which says for whom it asks")
    func basePath() async throws {
        let log = LogLines()
        let scratch = ScratchDirectory.path
        let tree = try makeTree(scratch)
        try SignedSample().write(to: tree)
        let options: (inout ServeOptions) throws -> Void = {
            $0.basePath = try BasePath("/images")
            try $0.add(proxy: "127.0.0.1")
        }
        try await RunningServer.run(over: tree, in: scratch, isPlain: true, log: log, options: options) { server in
            let settings = """
                location /images/ {
                    proxy_pass \(server.url);
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                }
                """
            try await NginxServer.run(over: scratch.appending("outside"), in: scratch, settings: settings) { nginx in
                func get(_ path: String, _ more: String...) async throws -> String {
                    let result = try await runProgram(
                        "curl",
                        [
                            "-sS", "--path-as-is", "--cacert", nginx.authority.string, "--resolve",
                            "localhost:\(nginx.port):127.0.0.1", "-w", " %{http_code} %{redirect_url}",
                        ] + more + [nginx.url + path]
                    )
                    return result.output.replacing(nginx.url, with: "")
                }
                let index = try await get("/images//meta/1.0/index-system")
                #expect(index == "index;\n 200 ")
                #expect(try await get("/images/images/") == "<p> 200 ")
                #expect(try await get("/images/images") == "301 Moved Permanently\n 301 /images/images/")
                #expect(try await get("/images/healthz", "-H", "X-Forwarded-For: 9.9.9.9").hasSuffix(" 200 "))
                #expect(try await get("/images/images/../../healthz").hasSuffix(" 404 "))
            }
            #expect(
                log.lines.count == 4 && log.lines.allSatisfy { $0.contains(#""client":"127.0.0.1""#) },
                "\(log.lines)"
            )
            #expect(try await server.get("/images").header("location") == "/images/")
            for path in ["/", "/index.html", "/healthz", "/imagesx/index.html", "//images/index.html"] {
                #expect(try await server.get(path).status == 404, "\(path)")
            }
            #expect(
                try await server.get("/images/index.html", "-H", "X-Forwarded-For: 9.9.9.9, 2001:db8::7").status == 200
            )
            #expect(log.lines.last?.contains(#""client":"2001:db8::7""#) == true)
            #expect(try await server.get("/images/index.html", "-H", "X-Forwarded-For: nobody\"").status == 200)
            #expect(log.lines.last?.contains(#""client":"127.0.0.1:"#) == true)
        }
    }
}

@Suite("A base path")
struct BasePathTests {
    @Test(
        "has one spelling",
        arguments: ["", "images", "/images/", "//images", "/a//b", "/.x", "/a/../b", "/a b", "/ä", "/a?b"]
    )
    func refuses(_ text: String) {
        #expect { try BasePath(text) } throws: { ($0 as? RootcellarError)?.errorClass == .usage }
    }

    @Test("is taken off, or the request is not for this server")
    func strips() throws {
        #expect(try BasePath("/").text == "")
        #expect(BasePath().strip("/x") == "/x" && BasePath().strip("//x") == "//x")
        let path = try BasePath("/a/b")
        #expect(path.strip("/a/b/c?d") == "/c?d" && path.strip("/a/b") == "" && path.strip("/a/b?x") == "?x")
        #expect(
            path.strip("/a/bc") == nil && path.strip("/a") == nil && path.strip("x") == nil && path.strip("") == nil
        )
    }
}
