// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The cache", .scratchDirectory)
struct CacheTests {
    @Test("97: it is filled once by eight creations at once, and all eight are good")
    func eightAtOnce() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            host.emptyCache()
            let creations = try await withThrowingTaskGroup(of: Creation.self) { group in
                for _ in 1...8 { group.addTask { try await host.download(server) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(creations.count == 8)
            let reference = try await host.download(server).snapshot()
            for creation in creations {
                #expect(creation.result.status == 0, "\(creation.result.errors)")
                #expect(try await creation.snapshot().differences(from: reference) == [])
            }
            #expect(try await server.requests().count { $0.contains("rootfs.tar.zst") } == 1)
            #expect(try await host.strangeCacheFiles() == [])
        }
    }

    @Test("106: it serves without its server and says how old the build is; without the image it is TRANSPORT")
    func offline() async throws {
        let site = try await Site.publishing()
        var image = SyntheticImage()
        image.name = "example/two/amd64"
        image.bulk = 10
        image.age = 3 * 86400
        try await site.publish(image)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let online = try await host.download(server, "example/two/amd64")
            try online.result.succeeded()
            try await server.stopAndWait()
            for options in [[], ["--force-cache"]] {
                let creation = try await host.download(server.address, "example/two/amd64", options)
                try creation.result.succeeded()
                #expect(creation.result.errors.contains("3 days old"), "\(creation.result.errors)")
                #expect(try await creation.snapshot().differences(from: try await online.snapshot()) == [])
            }
            try await expectRefusal(host, server, "TRANSPORT", 10, try await host.cacheSnapshot())
            let flushed = try await host.download(server, "example/two/amd64", "--flush-cache")
            #expect(flushed.result.status == 10)
            #expect(try flushed.isUntouched)
            host.emptyCache()
            let empty = try await host.download(server, "example/two/amd64")
            #expect(empty.result.status == 10)
            #expect(empty.result.errorLine?.hasPrefix("rootcellar: TRANSPORT: ") == true)
            #expect(try empty.isUntouched)
        }
    }

    @Test("serves an expired build without its server only if the user insists")
    func expired() async throws {
        var image = SyntheticImage()
        image.age = 40 * 86400
        let site = try await Site.publishing(image)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            try await server.stopAndWait()
            try await expectRefusal(host, server, "CACHE", 19, try await host.cacheSnapshot())
            let forced = try await host.download(server, "example/one/amd64", "--force-cache")
            try forced.result.succeeded()
            #expect(forced.result.errors.contains("40 days old"))
        }
    }

    @Test("is used as it is by --force-cache, and dropped first by --flush-cache")
    func forceAndFlush() async throws {
        let site = try await Site()
        let old = try await site.publish(SyntheticImage())
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            try await host.download(server, "example/one/amd64", "--flush-cache").result.succeeded()
            #expect(try await server.requests().count { $0.contains("rootfs.tar.zst") } == 2)

            var newer = SyntheticImage()
            newer.age = 60
            let new = try await site.publish(newer)
            let bulk = "./usr/share/bulk"
            let forced = try await host.download(server, "example/one/amd64", "--force-cache")
            try forced.result.succeeded()
            #expect(try await forced.snapshot().entries[bulk] == Snapshot(old).entries[bulk])
            let normal = try await host.download(server)
            try normal.result.succeeded()
            #expect(try await normal.snapshot().entries[bulk] == Snapshot(new).entries[bulk])
        }
    }

    @Test(
        "93: it is repaired wherever a bit of it has changed, and the container is good; without a server it is refused"
    )
    func flippedBits() async throws {
        var random = SeededGenerator()
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let reference = try await host.download(server)
            try reference.result.succeeded()
            let expected = try await reference.snapshot()
            let objects = try await host.cacheFiles().filter { $0.hasPrefix("objects/sha256/") }
            #expect(objects.count == 5)
            for file in objects {
                try flip(host.cache.appending(file), &random)
                let creation = try await host.download(server)
                let place = Comment(rawValue: "\(file), seed \(random.seed): \(creation.result.errors)")
                #expect(creation.result.status == 0, place)
                #expect(try await creation.snapshot().differences(from: expected) == [], place)
                #expect(try await host.strangeCacheFiles() == [], place)
            }
            try await server.stopAndWait()
            for file in objects {
                let path = host.cache.appending(file)
                let good = try read(path)
                try flip(path, &random)
                let creation = try await host.download(server)
                let place = Comment(rawValue: "offline, \(file), seed \(random.seed): \(creation.result.errors)")
                // The index is not needed for a build that is known.
                if creation.result.status == 0 {
                    #expect(try await creation.snapshot().differences(from: expected) == [], place)
                } else {
                    #expect(creation.result.status == 10, place)
                    #expect(try creation.isUntouched, place)
                }
                try write(good, to: path)
                removeTree(host.cache.appending("objects/partial"))
            }
        }
    }

    @Test("104: it is CACHE with a way out if what it remembers of a server is damaged, never a silent first contact")
    func damagedState() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            let path = host.cache.appending("servers/\(Site.id).json")
            let good = try read(path)
            let newer = Array(
                String(decoding: good, as: UTF8.self).replacing("\"format\":1", with: "\"format\":2").utf8
            )
            for damaged in [[], Array(good.prefix(good.count / 2)), Array("{}\n".utf8), [0, 1, 2], newer] {
                try write(damaged, to: path)
                let cache = try await host.cacheSnapshot()
                try await expectRefusal(host, server, "CACHE", 19, cache)
                let creation = try await host.download(server)
                #expect(creation.result.errors.contains("rootcellar trust reset"), "\(creation.result.errors)")
            }
            removeTree(path)
            try await host.download(server).result.succeeded()
        }
    }

    @Test("that cannot be written to is CACHE, and the container is untouched")
    func unwritable() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            for name in ["images", "objects", "locks", "servers"] {
                let host = try ClientHost(name)
                try await host.trust(server, site)
                host.emptyCache()
                try makeDirectory(host.cache)
                try write([], to: host.cache.appending(name))
                let creation = try await host.download(server)
                #expect(creation.result.status == 19, "\(name): \(creation.result.errors)")
                #expect(creation.result.errorLine?.hasPrefix("rootcellar: CACHE: ") == true, "\(name)")
                #expect(try creation.isUntouched, "\(name)")
            }
        }
    }

    @Test("105: a build that its server took back is POLICY, out of the cache with --force-cache and without")
    func takenBack() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            let pointer = try site.readPointer()
            let path = site.tree.appending(TreePath.manifest(pointer.manifest.version))
            let file = try SignedFile(reading: try read(path), kind: .manifest, subject: "manifest")
            var manifest = try Manifest(verified: file.payload, subject: "manifest")
            let record = try ImageRecord(host)
            manifest.version += 1
            manifest.revoked = [Manifest.Revocation(image: record.image.sha256, reason: "a hole in it")]
            let next = manifest
            let bytes = try await Forger(site).using { forger in
                try await forger.signedFile(.manifest, next, by: try await forger.fingerprint("(release)"))
            }
            try write(bytes, to: site.tree.appending(TreePath.manifest(next.version)))
            try await site.replacePointer {
                $0.manifest = Pointer.Manifest(version: next.version, file: FileReference(of: bytes))
            }
            for options in [[], ["--force-cache"]] {
                let creation = try await host.download(server.address, "example/one/amd64", options)
                // Whoever does not ask cannot know yet; the first creation asked.
                #expect(creation.result.status == 20, "\(options): \(creation.result.errors)")
                #expect(creation.result.errorLine?.hasPrefix("rootcellar: POLICY: ") == true)
                #expect(creation.result.errors.contains("taken back") || creation.result.errors.contains("took back"))
                #expect(try creation.isUntouched)
            }
            try await server.stopAndWait()
            let offline = try await host.download(server)
            #expect(offline.result.status == 20, "\(offline.result.errors)")
        }
    }

    /// The part of a record that this test needs.
    private struct ImageRecord: Decodable {
        var image: FileReference

        init(_ host: ClientHost) throws {
            let path = host.cache.appending("images/example/one/amd64/default.json")
            self = try JSONDecoder().decode(ImageRecord.self, from: Data(read(path)))
        }
    }

    /// Changes one bit in the middle of a file.
    private func flip(_ path: FilePath, _ random: inout SeededGenerator) throws {
        var bytes = try read(path)
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        try write(bytes, to: path)
    }
}
