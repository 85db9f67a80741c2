// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("A document that tells of many images", .scratchDirectory)
struct SharedDocumentTests {
    private static let hidden = "example/secret/amd64/default"
    private static let shown = "example/open/amd64/default"

    private func extent(_ path: String, _ text: String) -> SharedDocument.Extent? {
        SharedDocument(path.split(separator: "/").map(String.init))?
            .extent(Array(text.utf8)) { !$0.path.contains("secret") }
    }

    private func part(_ path: String, _ text: String) -> String? {
        guard case .part(let bytes) = extent(path, text) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("is known by its place")
    func places() {
        for (path, kind) in [
            ("index.html", SharedDocument.page), ("feed.atom", .page), ("status.html", .page),
            ("meta/1.0/index-system", .lines), ("meta/1.0/index-user.7", .lines),
            ("meta/1.0/index-user.asc", .signed(of: ["meta", "1.0", "index-user"])),
            ("streams/v1/index.json", .streams),
            ("streams/v1/images-1of2.json", .streams),
            ("streams/v1/index.sjson", .signed(of: ["streams", "v1", "index.json"])),
            ("streams/v1/images.json.gpg", .signed(of: ["streams", "v1", "images.json"])),
            ("streams/v1/new", .unknown),
            ("rootcellar/index/x.json", .shard),
        ] { #expect(SharedDocument(path.split(separator: "/").map(String.init)) == kind, "\(path)") }
        for path in [
            "trust.html", "rootcellar/pointer.signed", "rootcellar/manifest/1.signed", "images/a/b/c/d/index.html", "x",
        ] {
            #expect(SharedDocument(path.split(separator: "/").map(String.init)) == nil, "\(path)")
        }
    }

    @Test("has lines, products and parts of pages for those who may read their images alone")
    func parts() {
        let lines =
            "example;open;amd64;default;20260101_00:00;/x/\nexample;secret;amd64;default;20260101_00:00;/y/\nbroken\n"
        #expect(part("meta/1.0/index-system", lines) == "example;open;amd64;default;20260101_00:00;/x/\n")
        #expect(extent("meta/1.0/index-system", "example;open;amd64;default;1;/x/\n") == .whole)
        #expect(extent("meta/1.0/index-system", "") == .whole)
        let products =
            ##"{"products":{"example:open:amd64:default":{"a":1},"example:secret:amd64:default":{},"x":{}}}"##
        #expect(
            part("streams/v1/images.json", products) == "{\"products\":{\"example:open:amd64:default\":{\"a\":1}}}\n"
        )
        let index =
            ##"{"index":{"a":{"json":{"size":1},"products":["example:open:amd64:default","example:secret:amd64:default"]},"##
            + ##""b":{"products":["example:secret:amd64:default"]}}}"##
        #expect(
            part("streams/v1/index.json", index)
                == "{\"index\":{\"a\":{\"products\":[\"example:open:amd64:default\"]}}}\n"
        )
        for text in ["", "{}", "[]", "{\"products\":[]}", "{\"index\":{\"a\":{}}}"] {
            #expect(extent("streams/v1/index.json", text) == .nothing, "\(text)")
        }
        #expect(part("index.html", "<!--parts--><!--of \(Self.hidden)-->s<!--end-->t") == "<!--parts-->t")
        #expect(extent("index.html", "not marked") == .nothing)
        #expect(extent("rootcellar/index/x.json", "{}") == .nothing)
    }

    /// Random documents with both kinds of images: the name of one that is not shown is never in what is.
    @Test("never tells of what it must not")
    func property() throws {
        var random = SeededGenerator()
        for _ in 0..<300 {
            let names = (0..<Int.random(in: 0..<6, using: &random)).map { number in
                ["example", Bool.random(using: &random) ? "secret\(number)" : "open\(number)", "amd64", "default"]
            }
            let keys = names.map { "\"\($0.joined(separator: ":"))\"" }
            let texts = [
                ("meta/1.0/index-system", names.map { $0.joined(separator: ";") + ";1;/x/\n" }.joined()),
                ("streams/v1/images.json", "{\"products\":{\(keys.map { "\($0):{}" }.joined(separator: ","))}}"),
                ("streams/v1/index.json", "{\"index\":{\"i\":{\"products\":[\(keys.joined(separator: ","))]}}}"),
            ]
            for (path, text) in texts {
                switch try #require(extent(path, text)) {
                case .whole: #expect(!text.contains("secret"), "\(path): \(text)")
                case .nothing: Issue.record("\(path): \(text)")
                case .part(let bytes):
                    let shown = String(decoding: bytes, as: UTF8.self)
                    #expect(!shown.contains("secret"), "seed \(random.seed): \(shown)")
                    for name in names where name[1].hasPrefix("open") { #expect(shown.contains(name[1]), "\(shown)") }
                }
            }
        }
    }

    @Test(
        "is divided for each reader, and what is signed is shown whole or not at all",
        arguments: ["--http1.1", "--http2"]
    )
    func served(_ version: String) async throws {
        let scratch = ScratchDirectory.path
        let tree = scratch.appending("tree")
        var sample = SignedSample()
        sample.images = [
            Self.hidden: ["20260101_00:00"], Self.shown: ["20260101_00:00"],
            "hidden/secret/amd64/default": ["20260101_00:00"],
        ]
        try sample.write(to: tree)
        let line = { (name: String) in
            name.replacing("/", with: ";") + ";20260101_00:00;/images/\(name)/20260101_00:00/\n"
        }
        for name in ["index-system", "index-system.5"] {
            try write((line(Self.shown) + line(Self.hidden)).utf8, to: tree.appending("meta/1.0/\(name)"))
            try write("signature".utf8, to: tree.appending("meta/1.0/\(name).asc"))
        }
        let page = "<!--parts-->a<!--of \(Self.hidden)-->secret<!--end--><!--of \(Self.shown)-->open<!--end-->"
        for name in ["index.html", "status.html", "feed.atom"] { try write(page.utf8, to: tree.appending(name)) }
        let products = #"{"products":{"example:open:amd64:default":{},"example:secret:amd64:default":{}}}"#
        for name in ["images.json", "images.sjson", "images.json.gpg"] {
            try write(products.utf8, to: tree.appending("streams/v1/\(name)"))
        }
        let file = TokenFile(scratch.appending("tokens"))
        let (all, some) = (BearerToken.random(), BearerToken.random())
        try file.update { list throws(RootcellarError) in
            for (name, token, images) in [("all", all, "*"), ("some", some, "example/secret/*")] {
                try list.add(
                    .init(name: name, scope: .read, images: [ImagePattern(images)], created: .now, sha256: token.digest)
                )
            }
        }
        let shards = try TreeState(
            pointer: Array(bytes(of: tree.appending(TreePath.pointer))),
            in: PublishedTree(tree),
            after: nil
        ).manifest.indexes.mapValues { "/" + TreePath.index($0.sha256) }
        let options: (inout ServeOptions) throws -> Void = {
            $0.tokens = file.path
            $0.privateImages = [try ImagePattern("*/secret")]
        }
        let divided = [
            "/", "/status.html", "/feed.atom", "/meta/1.0/index-system", "/meta/1.0/index-system.5",
            "/streams/v1/images.json",
        ]
        let signed = ["/meta/1.0/index-system.asc", "/streams/v1/images.sjson", "/streams/v1/images.json.gpg"]
        try await RunningServer.run(over: tree, in: scratch, options: options) { server in
            for round in 0..<2 {
                for path in divided {
                    let nobody = try await server.get(path, version)
                    #expect(
                        nobody.status == 200 && nobody.text.contains("open") && !nobody.text.contains("secret"),
                        "\(path)"
                    )
                    #expect(
                        nobody.header("vary") == "Authorization" && nobody.header("cache-control") == "no-cache",
                        "\(path)"
                    )
                    let tag = try #require(nobody.header("etag"))
                    #expect(
                        try await server.get(path, version, "-H", "If-None-Match: \(tag)").status == 304,
                        "\(path) \(round)"
                    )
                    let owner = try await server.get(path, version, "-H", "Authorization: Bearer \(all.secret)")
                    #expect(owner.text.contains("secret") && owner.header("etag") != tag, "\(path)")
                    #expect(owner.header("cache-control") == "private, no-cache", "\(path)")
                }
                for path in signed {
                    #expect(try await server.get(path, version).status == 404, "\(path)")
                    #expect(
                        try await server.get(path, version, "-H", "Authorization: Bearer \(all.secret)").status == 200
                    )
                }
                // The index of a distribution that is private as a whole is hidden, of one that is so in part it is not.
                let (mixed, closed) = (try #require(shards["example"]), try #require(shards["hidden"]))
                #expect(try await server.get(mixed, version).status == 200)
                #expect(try await server.get(closed, version).status == 404)
                #expect(
                    try await server.get(closed, version, "-H", "Authorization: Bearer \(some.secret)").status == 404
                )
                #expect(
                    try await server.get(closed, version, "-H", "Authorization: Bearer \(all.secret)").status == 200
                )
                #expect(try await server.get("/rootcellar/pointer.signed", version).status == 200)
                guard round == 0 else { continue }
                // What is published meanwhile is seen at once.
                for path in divided where path != "/" {
                    let file = tree.appending(String(path.dropFirst()))
                    try write(
                        String(decoding: bytes(of: file), as: UTF8.self).replacing("open", with: "opened").utf8,
                        to: file
                    )
                    #expect(try await !server.get(path, version).text.contains("secret"), "\(path)")
                }
            }
        }
    }
}
