// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("An upload by a builder", .scratchDirectory)
struct UploadTests {
    /// A site whose server takes uploads, and the token of a builder.
    private struct Place {
        let site: Site
        let tokens: FilePath
        let token: FilePath
        var uploads: FilePath { site.top.appending("uploads") }
        var words: [String] { ["--tokens", tokens.string, "--uploads", uploads.string] }
        private static var program: String { Programs.directory.appending("rootcellar").string }

        init(images: String = "example/*/*/*") async throws {
            site = try await Site()
            tokens = site.top.appending("tokens.json")
            token = site.top.appending("token")
            let made = try await Programs.rootcellar(
                "token",
                "add",
                "--tokens",
                tokens.string,
                "--name",
                "builder",
                "--scope",
                "upload",
                "--image",
                images
            ).succeeded()
            try await Programs.shell("umask 077; printf %s \"$1\" > \"$2\"", made.output, token.string)
        }

        func upload(_ server: PublishedServer, _ image: FilePath) -> [String] {
            [
                Self.program, "publish", image.string, "--to", server.url, "--token-file", token.string, "--ca",
                server.authority.string,
            ]
        }

        func send(_ server: PublishedServer, _ image: FilePath) async throws -> ProgramResult {
            let words = upload(server, image)
            return try await runProgram(words[0], Array(words.dropFirst()))
        }

        func take(_ more: String...) async throws -> ProgramResult {
            try await runProgram(
                Self.program,
                ["publish", "--uploads", uploads.string, "--repo", site.tree.string, "--keys", site.keys.string] + more
            )
        }

        func image(age: Int64 = 7200, bulk: Int = 300) async throws -> FilePath {
            var image = SyntheticImage()
            (image.age, image.bulk) = (age, bulk)
            let directory = site.top.appending("image-\(age)")
            try await image.write(to: directory)
            return directory
        }

        func published() async throws -> [String] {
            try await site.files().filter { $0.hasPrefix("images/") && $0.hasSuffix("/image.json") }
        }
    }

    @Test("is published by whoever has the keys, by the usual rules, and a client takes it")
    func whole() async throws {
        let place = try await Place()
        try await PublishedServer.run(place.site, words: place.words) { server in
            let image = try await place.image()
            let sent = try await place.send(server, image).succeeded()
            #expect(sent.output.contains("waits for the publisher"), "\(sent.output)")
            let again = try await place.send(server, image).succeeded()
            #expect(again.output.contains(": 0 of "), "\(again.output)")
            #expect(try await place.published().isEmpty)

            let untested = try await place.take()
            #expect(untested.status == 20 && untested.output.contains("no test result"), "\(untested.errors)")
            let told = try await place.send(server, image)
            #expect(told.status == 20 && told.errorLine?.contains("no test result") == true, "\(told.errors)")

            let second = try await place.image(age: 3600)
            try await place.send(server, second).succeeded()
            let taken = try await place.take("--untested").succeeded()
            #expect(taken.output.contains("1 published, 0 refused, 0 not complete"), "\(taken.output)")
            #expect(try await place.published().count == 1)
            try await place.site.check().succeeded()
            let known = try await place.send(server, second).succeeded()
            #expect(known.output.contains("is published already"), "\(known.output)")
            #expect(try await place.take("--untested").succeeded().output.hasPrefix("0 published, 0 refused"))

            // Older than what is published: refused, and its builder is told.
            let old = try await place.image(age: 90_000)
            try await place.send(server, old).succeeded()
            let refused = try await place.take("--untested", "--json")
            #expect(refused.status == 20 && refused.output.contains("is not newer than"), "\(refused.output)")
            #expect(try await place.published().count == 1)

            let host = try ClientHost()
            try await host.trust(server, place.site)
            try await host.download(server).result.succeeded()
            #expect(try directoryNames(place.uploads.appending("open")).isEmpty)
            let secret = try text(place.token).trimming()
            let log = try text(place.uploads.appending("audit.log"))
            #expect(log.split(separator: "\n").count == 6, "\(log)")
            #expect(try await !server.said().contains(secret.dropFirst(4)) && !log.contains(secret.dropFirst(4)))
        }
    }

    @Test("for other images than the token's is refused by the server, and by the publisher whatever the server says")
    func scope() async throws {
        let place = try await Place(images: "other/*/*/*")
        try await PublishedServer.run(place.site, words: place.words) { server in
            let image = try await place.image()
            let refused = try await place.send(server, image)
            #expect(refused.status == 20 && refused.errorLine?.contains("not for example") == true, "\(refused.errors)")
            try await Programs.shell(
                "sed -i 's,other/\\*,example/*,' \"$1\"; chmod 600 \"$1\"",
                place.tokens.string
            )
            var sent = try await place.send(server, image)
            for _ in 0..<100 where sent.status != 0 {
                try await Task.sleep(for: .milliseconds(100))
                sent = try await place.send(server, image)
            }
            try sent.succeeded()
            // A server that was broken into.
            let open = place.uploads.appending("open")
            let upload = open.appending(try directoryNames(open)[0].trimming(slash: true))
            try await Programs.shell("sed -i 's,\"example/\\*,\"elsewhere/*,' \"$1\"/upload.json", upload.string)
            let taken = try await place.take("--untested")
            #expect(taken.status == 20 && taken.output.contains("the token 'builder' is not for"), "\(taken.output)")
            #expect(try await place.published().isEmpty)
        }
    }

    @Test("whose files are links or others is refused by the publisher, and nothing of its machine is read")
    func links() async throws {
        let place = try await Place()
        try await PublishedServer.run(place.site, words: place.words) { server in
            let image = try await place.image()
            let secret = place.site.top.appending("secret")
            try await Programs.shell("cp \"$1\" \"$2\"", image.appending("meta.tar.xz").string, secret.string)
            for (script, status) in [
                ("ln -sf \"$2\" \"$1\"/files/meta.tar.xz", 14), ("mv \"$1\"/files \"$1\"/f; ln -s f \"$1\"/files", 14),
                ("rm \"$1\"/files/rootfs.tar.xz; mkfifo \"$1\"/files/rootfs.tar.xz", 15),
                ("printf x >> \"$1\"/files/meta.tar.xz", 15), ("rm \"$1\"/files/meta.tar.xz", 14),
                ("printf 123456789 | dd of=\"$1\"/files/rootfs.tar.xz conv=notrunc status=none", 16),
                ("printf 123456789 | dd of=\"$1\"/files/image.json conv=notrunc status=none", 14),
            ] {
                try await place.send(server, image).succeeded()
                let open = place.uploads.appending("open")
                let upload = open.appending(try directoryNames(open)[0].trimming(slash: true))
                try await Programs.shell(script, upload.string, secret.string)
                let taken = try await place.take("--untested")
                #expect(taken.status == status, "\(script): \(taken.errors)")
                #expect(try await place.published().isEmpty, "\(script)")
                #expect(try directoryNames(open).isEmpty, "\(script)")
                // So that the same image can be sent again.
                try await Programs.shell("rm \"$1\"/done/*", place.uploads.string)
            }
        }
    }

    @Test("goes on where it was, whenever builder and server are killed")
    func killed() async throws {
        let place = try await Place()
        let image = try await place.image(bulk: 12_000)
        var random = SeededGenerator()
        // Long enough for the sum of all tries: each kill loses what was on its way, never what had arrived.
        for round in 0..<RandomKills.count {
            try await PublishedServer.run(place.site, words: place.words) { server in
                let words = place.upload(server, image)
                let moment = RandomKills.moment(within: .milliseconds(600), &random)
                if round % 2 == 0 {
                    _ = try await runProgram("timeout", ["-s", "KILL", moment] + words)
                } else {
                    async let sending = runProgram("timeout", ["-s", "KILL", "1.5"] + words)
                    try await Task.sleep(for: .milliseconds(Int((Double(moment) ?? 0.1) * 1000)))
                    server.kill()
                    // It would try again for a while.
                    _ = try await sending
                }
                #expect(try await place.published().isEmpty, "seed \(random.seed)")
            }
        }
        try await PublishedServer.run(place.site, words: place.words) { server in
            try await place.send(server, image).succeeded()
            let lines = try text(place.uploads.appending("audit.log")).split(separator: "\n")
            #expect(lines.count { $0.contains(" complete: ") } == 1, "seed \(random.seed): \(lines)")
            // A publisher that is killed at any moment decides once.
            for _ in 0..<RandomKills.count {
                let moment = RandomKills.moment(within: .milliseconds(900), &random)
                _ = try await runProgram(
                    "timeout",
                    [
                        "-s", "KILL", moment, Programs.directory.appending("rootcellar").string, "publish", "--uploads",
                        place.uploads.string, "--repo", place.site.tree.string, "--keys", place.site.keys.string,
                        "--untested",
                    ]
                )
            }
            try await place.take("--untested").succeeded()
            #expect(try await place.published().count == 1, "seed \(random.seed)")
            #expect(try directoryNames(place.uploads.appending("open")).isEmpty)
            let log = try text(place.uploads.appending("audit.log"))
            #expect(!log.contains("refused"), "seed \(random.seed): \(log)")
            try await place.site.check().succeeded()
            #expect(try await place.send(server, image).succeeded().output.contains("is published already"))
        }
    }
}

extension String {
    /// Without a slash at its end.
    fileprivate func trimming(slash: Bool) -> String { slash && hasSuffix("/") ? String(dropLast()) : self }
}
