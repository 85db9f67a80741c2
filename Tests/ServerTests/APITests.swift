// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("The API", .scratchDirectory)
struct APITests {
    private func package(_ name: String, _ version: String) -> ImageDocument.Package {
        ImageDocument.Package(name: name, version: version, architecture: "amd64")
    }

    private var sample: SignedSample {
        var sample = SignedSample()
        sample.images["debian/trixie/amd64/default"] = ["20260103_00:00"]
        sample.images["alpine/edge/amd64/default"] = ["20260104_00:00"]
        sample.packages["debian/bookworm/amd64/default"] = [
            package("openssl", "3.0.16-1~deb12u1"), package("dpkg", "1.21"),
        ]
        sample.packages["debian/trixie/amd64/default"] = [package("openssl", "3.5.1-1")]
        return sample
    }

    private func serving(
        options: (inout ServeOptions) throws -> Void = { _ in },
        _ body: (RunningServer, FilePath) async throws -> Void
    ) async throws {
        let tree = ScratchDirectory.path.appending("tree")
        try sample.write(to: tree)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path, options: options) { server in
            try await body(server, tree)
        }
    }

    private func json(_ reply: Reply) throws -> JSONValue {
        #expect(reply.header("content-type") == "application/json")
        return try #require(JSONValue(reading: Array(reply.bytes)), "\(reply.text)")
    }

    private func names(_ value: JSONValue?) -> [String] {
        guard case .array(let items) = value else { return [] }
        return items.compactMap { $0["name"]?.string ?? $0["image"]?.string }
    }

    @Test("lists images and builds, and finds packages by version")
    func answers() async throws {
        try await serving { server, tree in
            let all = try await json(server.get("/api/1/images"))
            #expect(names(all["images"]).count == 3 && all["manifest"]?.integer == 7, "\(all)")
            let some = try await json(server.get("/api/1/images?distribution=debian&release=trixie"))
            #expect(names(some["images"]) == ["debian/trixie/amd64/default"])
            let one = try await json(server.get("/api/1/images/debian/bookworm/amd64/default"))
            #expect(one["current"]?.string == "20260102_00:00", "\(one)")
            let build = try await json(server.get("/api/1/images/debian/bookworm/amd64/default/20260101_00:00"))
            #expect(names(build["packages"]) == ["openssl", "dpkg"], "\(build)")
            func found(_ query: String) async throws -> [String] {
                try await names(json(server.get("/api/1/search?package=openssl\(query)"))["found"])
            }
            #expect(try await found("").count == 2)
            #expect(try await found("&below=3.0.17") == ["debian/bookworm/amd64/default"])
            #expect(try await found("&atLeast=3.0.17") == ["debian/trixie/amd64/default"])
            #expect(try await found("&version=3.5.1-1&distribution=debian") == ["debian/trixie/amd64/default"])
            #expect(try await found("&below=3.0.17&release=trixie").isEmpty)
            // A publication is seen at once.
            var next = sample
            next.version = 8
            next.images["debian/sid/amd64/default"] = ["20260105_00:00"]
            next.packages["debian/sid/amd64/default"] = [package("openssl", "1:0~")]
            try next.write(to: tree)
            #expect(try await found("").count == 3)
            #expect(try await found("&below=3.0.17").count == 1)
        }
    }

    @Test("says what has changed between two builds")
    func comparison() async throws {
        let name = try ImageName(path: "debian/bookworm/amd64/default")
        func document(_ serial: String, _ packages: [ImageDocument.Package]) throws -> ImageDocument {
            ImageDocument(
                name: name,
                serial: try Serial(serial),
                summary: "",
                created: .now,
                lifetime: 1,
                files: [:],
                tar: .init(size: 0, sha256: SHA256Digest(hashing: []), entries: 0, unpackedBytes: 0),
                packages: packages,
                inputs: [:]
            )
        }
        let old = try document(
            "20260101_00:00",
            [
                package("a", "1"), package("b", "2"), package("c", "1~"), package("d", "9"), package("k", "5"),
                package("k", "6"),
            ]
        )
        let new = try document(
            "20260102_00:00",
            [
                package("a", "1"), package("c", "1"), package("d", "8"), package("e", "1"), package("k", "6"),
                package("k", "7"),
            ]
        )
        let comparison = APIAnswers.Comparison(name, old, new)
        #expect(comparison.added.map(\.name) == ["e"] && comparison.removed.map(\.name) == ["b"])
        #expect(comparison.upgraded.map { "\($0.name) \($0.from) \($0.to)" } == ["c 1~ 1", "k 5 7"])
        #expect(comparison.downgraded.map(\.name) == ["d"])
        try await serving { server, _ in
            let path = "/api/1/compare/debian/bookworm/amd64/default"
            let same = try await json(server.get("\(path)?from=20260101_00:00&to=20260102_00%3A00"))
            #expect(same["added"] == .array([]) && same["to"]?.string == "20260102_00:00", "\(same)")
            for (query, status) in [
                ("", 400), ("?from=20260101_00:00", 400), ("?from=20260101_00:00&to=x", 400),
                ("?from=20260101_00:00&to=20269999_00:00", 404),
            ] { #expect(try await server.get(path + query).status == status, "\(query)") }
        }
    }

    @Test("refuses what it does not know, as JSON, whatever is sent")
    func refuses() async throws {
        try await serving { server, _ in
            for (path, status) in [
                ("/api/1/search", 400), ("/api/1/search?package=", 400), ("/api/1/search?package=a&package=b", 400),
                ("/api/1/search?package=a&x=1", 400), ("/api/1/search?package=%ff", 400),
                ("/api/1/search?package=%0a", 400),
                ("/api/1/search?package=" + String(repeating: "a", count: 129), 400), ("/api/1/images?x", 400),
                ("/api/1/images/", 404), ("/api/1", 404), ("/api/1/", 404), ("/api/2/images", 404),
                ("/api/1/%2e%2e/x", 404),
                ("/api/1/images/a/b/c", 404), ("/api/1/images/..a/b/c/d", 404),
                ("/api/1/images/debian/no/amd64/default", 404),
            ] {
                let reply = try await server.get(path)
                #expect(reply.status == status, "\(path)")
                #expect(try json(reply)["error"]?.string?.isEmpty == false, "\(path)")
            }
            let posted = try await server.get("/api/1/images", "-X", "POST")
            #expect(posted.status == 405 && posted.header("allow") == "GET, HEAD")
            #expect(try await server.get("/api/1/images", "-I").status == 200)
        }
    }

    @Test("shows private images to those who may read them")
    func privateImages() async throws {
        let file = TokenFile(ScratchDirectory.path.appending("tokens"))
        let token = BearerToken.random()
        try file.update { list throws(RootcellarError) in
            let images = [try ImagePattern("debian/trixie/*/*")]
            try list.add(.init(name: "reader", scope: .read, images: images, created: .now, sha256: token.digest))
        }
        let options: (inout ServeOptions) throws -> Void = {
            $0.tokens = file.path
            $0.privateImages = [try ImagePattern("debian/*/*/*")]
        }
        try await serving(options: options) { server, _ in
            let bearer = ["-H", "Authorization: Bearer \(token.secret)"]
            func listed(_ path: String, _ words: [String] = []) async throws -> [String] {
                let answer = try await json(server.get(path, words))
                return names(answer["images"] ?? answer["found"])
            }
            let open = try await listed("/api/1/images")
            #expect(open == ["alpine/edge/amd64/default"])
            #expect(try await listed("/api/1/images", bearer).count == 2)
            let search = "/api/1/search?package=openssl"
            #expect(try await listed(search).isEmpty)
            #expect(try await listed(search, bearer) == ["debian/trixie/amd64/default"])
            let image = "/api/1/images/debian/trixie/amd64/default"
            #expect(try await server.get(image).status == 404)
            #expect(try await server.get(image, bearer).status == 200)
        }
    }

    /// Schemathesis makes requests of the description: valid ones, which have to be taken, and others, which must not.
    @Test("is what its OpenAPI document says, by schemathesis")
    func schemathesis() async throws {
        let package = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let program = package.appending(".build/python/bin/schemathesis")
        try await serving { server, _ in
            let result = try await runProgram(
                program.string,
                [
                    "run", server.url + "/api/1/openapi.json", "--checks", "all", "--max-examples",
                    ProcessInfo.processInfo.environment["ROOTCELLAR_SOAK"] == nil ? "20" : "1000", "--tls-verify",
                    server.authority?.string ?? "", "--no-color", "--workers", "1", "--request-timeout", "120",
                    "--phases", "coverage,fuzzing",
                ],
                directory: ScratchDirectory.path
            )
            #expect(result.status == 0, "\(result.output.suffix(6000)) \(result.errors.suffix(2000))")
        }
    }
}
