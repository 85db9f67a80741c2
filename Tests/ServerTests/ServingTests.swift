// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("A served tree", .scratchDirectory)
struct ServingTests {
    private func serving(_ body: (RunningServer, FilePath) async throws -> Void) async throws {
        let tree = try makeTree(ScratchDirectory.path)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { try await body($0, tree) }
    }

    @Test("gives each file with its bytes, type, length and validators")
    func files() async throws {
        try await serving { server, tree in
            for (path, file) in [
                ("/index.html", "index.html"), ("/", "index.html"), ("/images/", "images/index.html"),
                ("/rootcellar/pointer.signed", "rootcellar/pointer.signed"),
                ("//meta/1.0//index-system", "meta/.1.0-a/index-system"),
                (buildPath + "/rootfs.squashfs", String(buildPath.dropFirst()) + "/rootfs.squashfs"),
                (buildPath.replacing(":", with: "%3A") + "/image.json", String(buildPath.dropFirst()) + "/image.json"),
            ] {
                let reply = try await server.get(path)
                #expect(reply.status == 200, "\(path)")
                let expected = try Data(contentsOf: URL(filePath: tree.appending(file).string))
                #expect(reply.bytes == expected, "\(path)")
                #expect(reply.header("content-length") == "\(expected.count)")
                #expect(reply.header("x-content-type-options") == "nosniff")
                #expect(reply.header("accept-ranges") == "bytes")
                #expect(reply.header("etag")?.hasPrefix("\"") == true)
                #expect(reply.header("last-modified").flatMap(HTTPDate.moment) != nil)
                #expect(reply.header("content-encoding") == nil)
                #expect(reply.header("server") == "rootcellar")
            }
            let page = try await server.get("/")
            #expect(page.header("content-type") == "text/html; charset=utf-8")
            #expect(page.header("cache-control") == "no-cache")
            let image = try await server.get(buildPath + "/rootfs.tar.xz")
            #expect(image.header("content-type") == "application/x-xz")
            #expect(image.header("cache-control")?.contains("immutable") == true)
        }
    }

    @Test("speaks HTTP/2 where it is asked for and HTTP/1.1 otherwise, the same on both", arguments: ["1.1", "2"])
    func versions(_ version: String) async throws {
        try await serving { server, _ in
            let flag = version == "2" ? "--http2" : "--http1.1"
            let small = try await server.get("/rootcellar/pointer.signed", flag)
            #expect(small.version == version)
            #expect(small.text == "pointer")
            let big = try await server.get(buildPath + "/rootfs.squashfs", flag)
            #expect(big.bytes == pattern(3_000_000))
            let part = try await server.get(buildPath + "/rootfs.squashfs", flag, "-r", "1000000-1999999")
            #expect(part.status == 206)
            #expect(part.bytes == pattern(3_000_000)[1_000_000..<2_000_000])
            let head = try await server.get(buildPath + "/rootfs.squashfs", flag, "-I")
            #expect(head.curl.status == 0)
            #expect(head.header("content-length") == "3000000")
            let tag = try #require(big.header("etag"))
            let same = try await server.get(buildPath + "/rootfs.squashfs", flag, "-H", "If-None-Match: \(tag)")
            #expect(same.status == 304)
            #expect(try await server.get("/none", flag).status == 404)
        }
    }

    @Test("keeps a connection for many requests")
    func keepAlive() async throws {
        try await serving { server, _ in
            let url = server.url + "/rootcellar/pointer.signed"
            let result = try await runProgram(
                "curl",
                ["-sS", "--http1.1"] + server.trust + ["-w", " %{num_connects};"]
                    + [url, url, server.url + "/none", url]
            )
            #expect(result.output == "pointer 1;pointer 0;404 Not Found\n 0;pointer 0;")
        }
    }

    /// A client that is done before the server is resets the stream; a server that minds would end the connection.
    @Test("answers 1 000 requests of every kind on one connection of HTTP/2")
    func manyRequests() async throws {
        try await serving { server, tree in
            try write(pattern(300_000), to: tree.appending("streamed"))
            let kinds = [
                ("/rootcellar/pointer.signed", [], "200 7"), ("/none", [], "404 14"), ("/streamed", [], "200 300000"),
                ("/streamed", ["head"], "200 0"), ("/none", ["head"], "404 0"), ("/images", [], "301 22"),
                ("/streamed", ["range = 100-299"], "206 200"), ("/index.html", ["range = 99-"], "416 26"),
                ("/index.html", ["header = \"If-None-Match: *\""], "304 0"),
                ("/index.html", ["request = DELETE"], "405 23"),
            ]
            var config = ""
            for number in 0..<1000 {
                let (path, options, _) = kinds[number % kinds.count]
                config += number == 0 ? "" : "next\n"
                config += "http2\ncacert = \"\(server.authority?.string ?? "")\"\noutput = /dev/null\n"
                config += "write-out = \"%{num_connects} %{http_version} %{http_code} %{size_download}\\n\"\n"
                config += options.map { "\($0)\n" }.joined() + "url = \"\(server.url)\(path)\"\n"
            }
            let result = try await runProgram("curl", ["-sS", "-K", "-"], input: config)
            #expect(result.status == 0, "\(result.errors)")
            let lines = result.output.split(separator: "\n")
            #expect(lines.count == 1000)
            for (number, line) in lines.enumerated() {
                #expect(line == "\(number == 0 ? 1 : 0) 2 \(kinds[number % kinds.count].2)", "\(number)")
            }
        }
    }

    @Test("answers HEAD like GET without the body")
    func head() async throws {
        try await serving { server, _ in
            for path in ["/index.html", buildPath + "/rootfs.squashfs", "/none", "/images"] {
                for version in ["--http1.1", "--http2"] {
                    let get = try await server.get(path, version)
                    let head = try await server.get(path, version, "-I")
                    #expect(head.curl.status == 0)
                    #expect(head.status == get.status)
                    for name in ["content-length", "content-type", "etag", "last-modified", "location"] {
                        #expect(head.header(name) == get.header(name), "\(path) \(name)")
                    }
                }
            }
        }
    }

    @Test(
        "is for reading only",
        arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]
    )
    func methods(_ method: String) async throws {
        try await serving { server, tree in
            for version in ["--http1.1", "--http2"] {
                let reply = try await server.get("/index.html", version, "-X", method)
                #expect(reply.status == 405)
                #expect(reply.header("allow") == "GET, HEAD")
            }
            let upload = try await server.get("/new", "-T", tree.appending("index.html").string)
            #expect(upload.status == 405)
            #expect(!FileManager.default.fileExists(atPath: tree.appending("new").string))
        }
    }

    @Test("has no listings, no hidden files, nothing outside it, and no page that only says so")
    func absent() async throws {
        try await serving { server, tree in
            let pipe = try await runProgram("mkfifo", [tree.appending("pipe").string])
            #expect(pipe.status == 0)
            for path in [
                "/none", "/rootcellar", "/rootcellar/", "/meta/", "/meta/1.0/", "/.hidden/file", "/images/.lock",
                "/meta/.1.0-a/index-system", "/out", "/absolute", "/loop", "/pipe", "/index.html/", "/index.html/x",
                "/images/index.html/", "/rootcellar/root/2.signed",
            ] {
                let reply = try await server.get(path)
                #expect(reply.status == 404, "\(path)")
                #expect(reply.text == "404 Not Found\n", "\(path)")
                #expect(reply.header("cache-control") == "no-cache")
                #expect(reply.header("content-type") == "text/plain; charset=utf-8")
            }
        }
    }

    @Test("sends a directory asked for without its slash to the name its page's links need")
    func directory() async throws {
        try await serving { server, _ in
            let reply = try await server.get("//images")
            #expect(reply.status == 301)
            #expect(reply.header("location") == "/images/")
            #expect(try await server.get("/images", "-L").text == "<p>")
        }
    }

    @Test("answers 200 hostile paths with 404", arguments: ["--http1.1", "--http2"])
    func traversal(_ version: String) async throws {
        try await serving { server, _ in
            // curl must be able to send them, and a lone word cannot be a path at all.
            let paths = hostilePaths().filter { $0.hasPrefix("/") && $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
            #expect(paths.count >= 200)
            var arguments = ["-sS", "--path-as-is", "--globoff", version, "-w", "%{http_code} %{url}\n"] + server.trust
            for path in paths { arguments += ["-o", "/dev/null", server.url + path] }
            let result = try await runProgram("curl", arguments)
            #expect(result.status == 0, "\(result.errors)")
            let lines = result.output.split(separator: "\n")
            #expect(lines.count == paths.count)
            for line in lines where !line.hasPrefix("404 ") { Issue.record("\(line)") }
        }
    }

    @Test("answers what is not HTTP with 400 or silence, and goes on")
    func notHTTP() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, isPlain: true) { server in
            for request in [
                "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
                "\r\n\r\n\u{0}\u{1}\r\n\r\n",
                "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
                "GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 200) + "\r\n",
                "GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 20_000) + "\r\n\r\n",
            ] {
                let connection = try RawConnection(port: server.address.port)
                try connection.send(request)
                let answer = try await connection.receive()
                #expect(
                    answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 "),
                    "\(printable(request)): \(printable(answer))"
                )
            }
            let connection = try RawConnection(port: server.address.port)
            try connection.send(
                "GET http://elsewhere/rootcellar/pointer.signed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            #expect(try await connection.receive().hasSuffix("pointer"))
            #expect(try await server.get("/rootcellar/pointer.signed").text == "pointer")
        }
    }

    @Test("is refused when it is not there")
    func noTree() throws {
        #expect {
            try TreeService(ServeOptions(repository: "/nonexistent", listen: "127.0.0.1:0"), identity: nil)
        } throws: { ($0 as? RootcellarError)?.errorClass == .repository }
    }

    @Test("cannot be served where another listens, and says so")
    func portTaken() async throws {
        try await serving { server, tree in
            let second = try TreeService(
                ServeOptions(repository: tree, listen: "\(server.address)"),
                identity: nil
            )
            await #expect { try await second.run() } throws: {
                guard let error = $0 as? RootcellarError else { return false }
                return error.errorClass == .policy && error.description.contains("\(server.address)")
            }
        }
    }
}
