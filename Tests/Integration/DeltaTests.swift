// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("An image with a patch from an older build", .scratchDirectory)
struct DeltaTests {
    /// Two builds that differ by little, and the second has a patch from the first.
    private struct Builds {
        let site: Site
        let directory: FilePath
        let patch: String
        let patchSize: Int

        /// Publishes the first and makes the second.
        init(serial: Int = 1) async throws {
            site = try await Site()
            var random = SeededGenerator()
            let letters = Array("abcdefghijklmnopqrstuvwxyz012345".utf8)
            let bulk = String(decoding: random.bytes(3_000_000).map { letters[Int($0 & 31)] }, as: UTF8.self)
            var old = SyntheticImage()
            old.tar = Self.tar(bulk, "old")
            try await site.publish(old)
            let oldDirectory = site.top.appending("image-\(old.age)")
            let oldDocument = try ImageDocument(
                verified: try read(oldDirectory.appending(ImageDocument.fileName)),
                subject: ""
            )
            var new = SyntheticImage()
            new.age = 60
            new.tar = Self.tar(bulk, "new")
            directory = site.top.appending("new")
            try await new.write(to: directory)
            patch = ImageDocument.patchName(from: oldDocument.serial)
            try await Programs.rootcellar(
                "delta",
                "make",
                oldDirectory.appending("rootfs.tar.zst").string,
                directory.appending("rootfs.tar.xz").string,
                directory.appending(patch).string
            ).succeeded()
            patchSize = try read(directory.appending(patch)).count
        }

        private static func tar(
            _ bulk: String,
            _ version: String
        ) -> (
            bytes: [UInt8], entries: Int, content: Int, size: Int?
        ) {
            var tar = RawTar()
            tar.add("./bulk", text: bulk)
            tar.add("./version", text: version)
            return (tar.finished, tar.entries, tar.content, nil)
        }

        /// Puts the patch into the second build's document, after a change.
        func publish(_ change: (inout [UInt8]) -> Void = { _ in }) async throws {
            var bytes = try read(directory.appending(patch))
            change(&bytes)
            try write(bytes, to: directory.appending(patch))
            let path = directory.appending(ImageDocument.fileName)
            var document = try ImageDocument(verified: try read(path), subject: "")
            document.files[patch] = .init(size: bytes.count, sha256: SHA256Digest(hashing: bytes))
            try write(try document.canonicalBytes(), to: path)
            try await site.publish(directory).succeeded()
        }

        /// Where the second build's file is in the tree.
        func published(_ name: String) throws -> FilePath {
            let document = try ImageDocument(
                verified: try read(directory.appending(ImageDocument.fileName)),
                subject: ""
            )
            return site.tree.appending(TreePath.file(try document.name(), document.serial, name))
        }
    }

    private func version(_ creation: Creation) throws -> String { try text(creation.rootfs.appending("version")) }

    @Test("costs a host that has the older one the patch alone, and nothing at all the next time")
    func patch() async throws {
        let builds = try await Builds()
        try await PublishedServer.run(builds.site) { server in
            let host = try ClientHost()
            try await host.trust(server, builds.site)
            try await host.download(server).result.succeeded()
            try await builds.publish()
            #expect(try text(builds.published("SHA256SUMS")).contains(builds.patch))
            try await builds.site.check().succeeded()
            let before = try await server.traffic().count
            let creation = try await host.download(server)
            try creation.result.succeeded()
            #expect(try version(creation) == "new")
            #expect(!creation.result.errors.contains("warning"), "\(creation.result.errors)")
            let traffic = try await server.traffic().dropFirst(before)
            #expect(traffic.count { $0.path.contains(builds.patch) && $0.bytes == builds.patchSize } == 1)
            #expect(!traffic.contains { $0.path.contains("rootfs.") }, "\(traffic)")
            // Documents of the tree and metadata come on top of the patch.
            #expect(traffic.reduce(0) { $0 + $1.bytes } < builds.patchSize + 40_000, "\(traffic)")
            #expect(try await host.strangeCacheFiles() == [])

            let again = try await host.download(server)
            try again.result.succeeded()
            #expect(try await again.snapshot().differences(from: creation.snapshot()) == [])
            #expect(try await !server.traffic().dropFirst(before).contains { $0.path.contains("rootfs.") })
            // The older build's files are gone, and so is the patch.
            let objects = try await host.cacheFiles().filter { $0.hasPrefix("objects/") }
            #expect(objects.count { $0.hasPrefix("objects/partial") } == 0)
            let big = try objects.filter { try read(host.cache.appending($0)).count > 100_000 }
            #expect(big.count == 1, "\(objects)")

            // A changed bit of the tar in the cache is found and the rest fetched.
            var bytes = try read(host.cache.appending(big[0]))
            bytes[2_000_000] ^= 1
            try write(bytes, to: host.cache.appending(big[0]))
            let repaired = try await host.download(server)
            try repaired.result.succeeded()
            #expect(repaired.result.errors.contains("CACHE: the cached tar was damaged"), "\(repaired.result.errors)")
            #expect(try await repaired.snapshot().differences(from: creation.snapshot()) == [])
            #expect(try await host.strangeCacheFiles() == [])
        }
    }

    @Test(
        "is fetched whole, with a warning, where the patch is missing, damaged, cut, another's or no patch at all",
        arguments: ["missing", "damaged", "cut", "another's", "nonsense", "older build damaged"]
    )
    func fallback(_ fault: String) async throws {
        let builds = try await Builds()
        try await PublishedServer.run(builds.site) { server in
            let host = try ClientHost()
            try await host.trust(server, builds.site)
            try await host.download(server).result.succeeded()
            let other = builds.site.top.appending("other")
            let script = "head -c 2000000 /dev/urandom > $1; cp $1 $2; echo more >> $2; rm -f $3"
            let (from, to) = (other.string + ".1", other.string + ".2")
            try await Programs.shell(script, from, to, other.string)
            try await Programs.rootcellar("delta", "make", from, to, other.string).succeeded()
            let foreign = try read(other)
            try await builds.publish { bytes in
                switch fault {
                case "cut": bytes.removeLast(10)
                case "another's": bytes = foreign
                case "nonsense": bytes = Array("nothing of the kind\n".utf8)
                default: break
                }
            }
            switch fault {
            case "missing": removeTree(try builds.published(builds.patch))
            case "damaged":
                var bytes = try read(builds.published(builds.patch))
                bytes[bytes.count / 2] ^= 1
                try write(bytes, to: builds.published(builds.patch))
            case "older build damaged":
                for file in try await host.cacheFiles() where file.hasPrefix("objects/") {
                    var bytes = try read(host.cache.appending(file))
                    if bytes.count > 1_000_000 {
                        bytes[1_200_000] ^= 1
                        try write(bytes, to: host.cache.appending(file))
                    }
                }
            default: break
            }
            let creation = try await host.download(server)
            try creation.result.succeeded()
            #expect(try version(creation) == "new")
            #expect(creation.result.errors.contains("rootcellar: warning: the patch is of no use"))
            #expect(try await server.traffic().contains { $0.path.contains("rootfs.tar.zst") })
            #expect(try await host.strangeCacheFiles() == [])
        }
    }

    @Test("survives SIGKILL at any moment of its creation")
    func kills() async throws {
        let builds = try await Builds()
        try await PublishedServer.run(builds.site) { server in
            let host = try ClientHost()
            try await host.trust(server, builds.site)
            try await host.download(server).result.succeeded()
            try await builds.publish()
            try await Programs.shell("cp -a \"$1\" \"$1.kept\"", host.base.string)
            let start = ContinuousClock.now
            let reference = try await host.download(server)
            try reference.result.succeeded()
            let duration = Int((ContinuousClock.now - start) / .milliseconds(1))
            let expected = try await reference.snapshot()
            var random = SeededGenerator()
            var killed = 0
            let kills = ProcessInfo.processInfo.environment["ROOTCELLAR_KILLS"].flatMap { Int($0) } ?? 10
            for _ in 0..<kills {
                try await Programs.shell("rm -rf \"$1\"; cp -a \"$1.kept\" \"$1\"", host.base.string)
                let delay = String(Double(Int.random(in: 1...duration, using: &random)) / 1000)
                let script = "exec timeout --foreground -s KILL \(delay) \"$@\""
                let victim = try await host.download(server, script: script)
                if victim.result.status == 137 { killed += 1 }
                victim.remove()
                let next = try await host.download(server)
                let place = Comment(rawValue: "killed after \(delay) s, seed \(random.seed): \(next.result.errors)")
                #expect(next.result.status == 0, place)
                #expect(!next.result.errors.contains("warning"), place)
                #expect(try await next.snapshot().differences(from: expected) == [], place)
                #expect(try await host.strangeCacheFiles() == [], place)
                next.remove()
            }
            #expect(killed > 0)
        }
    }

    @Test("has the same patch from the command line and back, and errors by class")
    func commandLine() async throws {
        let builds = try await Builds()
        let top = builds.site.top
        let (old, new) = (top.appending("image-7200/rootfs.tar.zst").string, builds.directory)
        let made = top.appending("made.tar").string
        let document = try ImageDocument(verified: try read(new.appending(ImageDocument.fileName)), subject: "")
        let patch = new.appending(builds.patch).string
        let result = try await Programs.rootcellar(
            "delta",
            "apply",
            old,
            patch,
            made,
            "--sha256",
            document.tar.sha256.description,
            "--json"
        ).succeeded()
        #expect(result.output.contains("\"patch\" : \(builds.patchSize)"))
        #expect(SHA256Digest(hashing: try read(FilePath(made))) == document.tar.sha256)
        let wrong = SHA256Digest(hashing: [UInt8]()).description
        let other = top.appending("other.tar").string
        #expect(try await Programs.rootcellar("delta", "apply", old, patch, other, "--sha256", wrong).status == 16)
        #expect(try await Programs.rootcellar("delta", "apply", old, "/nonexistent", other).status == 2)
        #expect(try await Programs.rootcellar("delta", "apply", patch, patch, other).status == 17)
        #expect(
            try await Programs.rootcellar(
                "delta",
                "apply",
                old,
                builds.directory.appending("rootfs.tar.xz").string,
                other
            ).status == 17
        )
        #expect(!exists(FilePath(other)) && !exists(FilePath(other + ".partial")))
    }
}
