// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("rootcellar cache", .scratchDirectory)
struct CacheCommandTests {
    @Test("lists what is there, for people and for programs")
    func list() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let empty = try await host.run("cache", "list").succeeded()
            #expect(empty.output.isEmpty)
            try await host.download(server).result.succeeded()
            let table = try await host.run("cache", "list").succeeded()
            #expect(table.output.hasPrefix("IMAGE "))
            #expect(table.output.contains("example/one/amd64/default"))
            let json = try await host.run("cache", "list", "--json").succeeded()
            #expect(json.output.contains("\"image\" : \"example/one/amd64/default\""))
            #expect(json.output.contains("\"pinned\" : false"))
        }
    }

    @Test("verify names what is damaged, and --repair takes it away")
    func verify() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            try await host.run("cache", "verify").succeeded()
            for file in try await host.cacheFiles() where !file.hasPrefix("locks/") && !file.hasPrefix("servers/") {
                let path = host.cache.appending(file)
                let good = try read(path)
                var bad = good
                bad[0] ^= 1
                try write(bad, to: path)
                let found = try await host.run("cache", "verify")
                #expect(found.status == 19, "\(file): \(found.errors)")
                #expect(found.output.contains(path.string), "\(file): \(found.output)")
                try await host.run("cache", "verify", "--repair").succeeded()
                #expect(!exists(path), "\(file)")
                try await host.run("cache", "verify").succeeded()
                try write(good, to: path)
            }
            // What is remembered of a server is nothing to throw away in passing.
            let state = host.cache.appending("servers/\(Site.id).json")
            try write([0x7B], to: state)
            #expect(try await host.run("cache", "verify", "--repair").status == 19)
            #expect(exists(state))
        }
    }

    @Test("prune removes what was long unused and what is too much, never what is pinned or in use")
    func prune() async throws {
        let site = try await Site()
        for name in ["one", "two", "three"] {
            var image = SyntheticImage()
            image.name = "example/\(name)/amd64"
            image.bulk = 2000
            image.age = Int64(name.utf8.count) * 600
            let directory = site.top.appending(name)
            try await image.write(to: directory)
            try await site.publish(directory).succeeded()
        }
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            for name in ["one", "two", "three"] {
                try await host.download(server, "example/\(name)/amd64").result.succeeded()
            }
            func images() async throws -> [String] {
                try await host.run("cache", "list").succeeded().output.split(separator: "\n").dropFirst().map {
                    String($0.prefix { $0 != " " })
                }
            }
            try await Programs.shell(
                "touch -d '40 days ago' \"$1/one/amd64/default.json\" \"$1/two/amd64/default.json\"",
                host.cache.appending("images/example").string
            )
            try await host.run("cache", "pin", "example/one/amd64").succeeded()
            let before = try await host.cacheSnapshot()
            let dry = try await host.run("cache", "prune", "--older-than", "30", "--dry-run").succeeded()
            #expect(dry.output.contains("example/two/amd64/default"))
            #expect(!dry.output.contains("example/one"))
            #expect(try await host.cacheSnapshot().differences(from: before) == [])
            try await host.run("cache", "prune", "--older-than", "30").succeeded()
            #expect(try await images() == ["example/one/amd64/default", "example/three/amd64/default"])
            try await host.run("cache", "prune", "--max-size", "3M").succeeded()
            #expect(try await images() == ["example/one/amd64/default"])
            try await host.run("cache", "verify").succeeded()

            // Objects that somebody has locked stay.
            try await host.run("cache", "unpin", "example/one/amd64").succeeded()
            let biggest = try await Programs.shell(
                "ls -S \"$1\" | head -n 1",
                host.cache.appending("objects/sha256").string
            )
            .trimming()
            let lock = host.cache.appending("locks/object-\(biggest)")
            let program = Programs.directory.appending("rootcellar-client").string
            let locked = try await runProgram(
                "flock",
                ["--no-fork", lock.string, program, "cache", "prune", "--max-size", "0"],
                environment: host.environment
            )
            try locked.succeeded()
            #expect(exists(host.cache.appending("objects/sha256/\(biggest)")))
            try await Programs.shell("touch -d '2 hours ago' \"$1\"/*", host.cache.appending("objects/sha256").string)
            try await host.run("cache", "prune").succeeded()
            #expect(!exists(host.cache.appending("objects/sha256/\(biggest)")))
            #expect(try await images() == [])
            try await host.download(server).result.succeeded()
        }
    }

    @Test("pin keeps a build when a newer one comes, until unpin")
    func pin() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            #expect(try await host.run("cache", "pin", "example/one/amd64").status == 19)
            try await host.download(server).result.succeeded()
            try await host.run("cache", "pin", "example/one/amd64").succeeded()
            var newer = SyntheticImage()
            newer.age = 60
            try await site.publish(newer)
            try await host.download(server).result.succeeded()
            let both = try await host.run("cache", "list").succeeded().output
            #expect(both.split(separator: "\n").count == 3, "\(both)")
            #expect(both.contains("pinned, older"))
            try await host.run("cache", "prune", "--older-than", "365").succeeded()
            #expect(try await host.cacheFiles().count { $0.hasPrefix("objects/") } >= 3)
            try await host.run("cache", "unpin", "example/one/amd64").succeeded()
            #expect(try await host.run("cache", "unpin", "example/one/amd64").status == 19)
            let one = try await host.run("cache", "list").succeeded().output
            #expect(one.split(separator: "\n").count == 2, "\(one)")
        }
    }
}
