// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A cache that is only read", .scratchDirectory)
struct CacheSharingTests {
    /// A host that reads the cache of another.
    private func host(reading other: ClientHost, _ name: String = "reader") throws -> ClientHost {
        let host = try ClientHost(name)
        try write("shared-cache = \(other.base)\n".utf8, to: host.configuration.appending("rootcellar.conf"))
        return host
    }

    @Test("serves all who read it without one download, and is never written to")
    func serves() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let owner = try ClientHost("owner")
            try await owner.trust(server, site)
            let reference = try await owner.download(server)
            try reference.result.succeeded()
            let expected = try await reference.snapshot()
            let before = try await Snapshot(owner.base)
            let downloads = try await server.requests().count { $0.contains("rootfs.tar") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...4 {
                    group.addTask {
                        let reader = try host(reading: owner, "reader-\(number)")
                        try await reader.trust(server, site)
                        let creation = try await reader.download(server)
                        try creation.result.succeeded()
                        #expect(creation.result.output.contains("Using image from local cache"))
                        #expect(try await creation.snapshot().differences(from: expected) == [])
                        #expect(try await reader.strangeCacheFiles() == [])
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await server.requests().count { $0.contains("rootfs.tar") } == downloads)
            #expect(try await Snapshot(owner.base).differences(from: before) == [])
        }
    }

    @Test("serves without any server, as it came with a machine's own image")
    func baked() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let owner = try ClientHost("owner")
            try await owner.trust(server, site)
            let reference = try await owner.download(server)
            try reference.result.succeeded()
            try await server.stopAndWait()
            let reader = try host(reading: owner)
            try await Programs.shell(
                "cp -r \"$1/trust.d\" \"$2/\"",
                owner.configuration.string,
                reader.configuration.string
            )
            let creation = try await reader.download(server)
            try creation.result.succeeded()
            #expect(try await creation.snapshot().differences(from: try await reference.snapshot()) == [])
            // Of a directory that others write to nothing is believed that has no hash.
            try await Programs.shell("chmod 777 \"$1/rootcellar/servers\"", owner.base.string)
            reader.emptyCache()
            let refused = try await reader.download(server)
            #expect(refused.result.status == 10, "\(refused.result.errors)")
            #expect(try refused.isUntouched)
        }
    }

    @Test("93: is checked as everything is: what is damaged in it is fetched, and stays as it is")
    func damaged() async throws {
        var random = SeededGenerator()
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let owner = try ClientHost("owner")
            try await owner.trust(server, site)
            let reference = try await owner.download(server)
            try reference.result.succeeded()
            let expected = try await reference.snapshot()
            for file in try await owner.cacheFiles() where file.hasPrefix("objects/sha256/") {
                let path = owner.cache.appending(file)
                let good = try read(path)
                var bad = good
                bad[Int.random(in: 0..<bad.count, using: &random)] ^= 1
                try write(bad, to: path)
                let reader = try host(reading: owner)
                try await reader.trust(server, site)
                reader.emptyCache()
                let creation = try await reader.download(server)
                let comment = Comment(rawValue: "\(file), seed \(random.seed): \(creation.result.errors)")
                #expect(creation.result.status == 0, comment)
                #expect(try await creation.snapshot().differences(from: expected) == [], comment)
                #expect(try await reader.strangeCacheFiles() == [], comment)
                #expect(try read(path) == bad, comment)
                try write(good, to: path)
                creation.remove()
            }
        }
    }

    @Test("may hold anything: links, FIFOs and directories in the place of objects hold nobody up")
    func strange() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let owner = try ClientHost("owner")
            try await owner.trust(server, site)
            try await owner.download(server).result.succeeded()
            for script in ["ln -s /dev/zero \"$f\"", "mkfifo \"$f\"", "mkdir \"$f\"", ": > \"$f\"", "chmod 0 ."] {
                try await Programs.shell(
                    "cd \"$1/objects/sha256\"; for f in *; do rm -rf \"$f\"; \(script); done",
                    owner.cache.string
                )
                let reader = try host(reading: owner)
                try await reader.trust(server, site)
                reader.emptyCache()
                let creation = try await reader.download(server)
                #expect(creation.result.status == 0, "\(script): \(creation.result.errors)")
            }
        }
    }

    @Test("of the stock template is used for what its hash says, and fetched where it differs")
    func seeded() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let reference = try await host.download(server)
            try reference.result.succeeded()
            let expected = try await reference.snapshot()
            let packed = try await site.files().first { $0.hasSuffix("rootfs.tar.xz") } ?? ""
            let seed = host.base.appending("download/example/one/amd64/default/rootfs.tar.xz")
            func requests() async throws -> Int { try await server.requests().count { $0.contains("rootfs.tar") } }
            for damage in ["", "printf x | dd of=\"$2\" bs=1 seek=2000000 conv=notrunc status=none", "echo x > \"$2\""]
            {
                host.emptyCache()
                try await Programs.shell(
                    "mkdir -p \"${2%/*}\"; cp \"$1\" \"$2\"; \(damage)",
                    site.tree.appending(packed).string,
                    seed.string
                )
                let before = try await requests()
                let creation = try await host.download(server)
                try creation.result.succeeded()
                #expect(try await creation.snapshot().differences(from: expected) == [], "\(damage)")
                #expect(try await requests() == before + (damage.isEmpty ? 0 : 1), "\(damage)")
            }
        }
    }

    @Test("of the stock template is an image of its own only with --no-validate, with a warning and for a limited time")
    func stock() async throws {
        let directory = ScratchDirectory.path.appending("image")
        var image = SyntheticImage()
        image.bulk = 100
        try await image.write(to: directory)
        let host = try ClientHost()
        let stock = host.base.appending("download/example/one/amd64/default")
        try await Programs.shell(
            "mkdir -p \"$2\"; tar -xJf \"$1/meta.tar.xz\" -C \"$2\"; mv \"$1/rootfs.tar.xz\" \"$2\"; echo 1 > \"$2/build_id\"",
            directory.string,
            stock.string
        )
        // Nobody listens there: whoever asks a server fails.
        let nowhere = "localhost:1"
        func create(_ words: String...) async throws -> Creation {
            try await host.download(nowhere, "example/one/amd64", words)
        }
        func expire(_ text: String) throws { try write("\(text)\n".utf8, to: stock.appending("expiry")) }
        try expire("4102444800")
        let unasked = try await create()
        #expect(unasked.result.status == 20, "\(unasked.result.errors)")
        let good = try await create("--no-validate")
        try good.result.succeeded()
        #expect(good.result.errors.contains("NOBODY VOUCHES FOR THIS IMAGE: it is what the stock template's cache has"))
        #expect(good.result.output.contains("Using image from local cache\n"))
        #expect(try text(good.rootfs.appending("etc/hostname")) == "c1\n")
        for expiry in ["1", "never", "-1", ""] {
            try expire(expiry)
            let expired = try await create("--no-validate")
            #expect(expired.result.status == 10, "\(expiry): \(expired.result.errors)")
            #expect(try expired.isUntouched)
            try await create("--no-validate", "--force-cache").result.succeeded()
        }
        // However late an image says that it expires, it does not stay for ever.
        try expire("4102444800")
        try await Programs.shell("touch -d '2 years ago' \"$1\"", stock.appending("rootfs.tar.xz").string)
        #expect(try await create("--no-validate").result.status == 10)
        try await Programs.shell("touch \"$1\"", stock.appending("rootfs.tar.xz").string)
        for (damage, status) in [
            ("chmod g+w .", 19), ("chmod g-w .; chown 1234 ..", 19),
            ("chown 0 ..; mv config c; ln -s /etc/passwd config", 18),
            ("rm config; echo 'lxc.hook.pre-start = /bin/sh' > config", 18),
            ("mv c config; printf x | dd of=rootfs.tar.xz bs=1 seek=90 conv=notrunc status=none", 17),
        ] {
            try await Programs.shell("cd \"$1\"; \(damage)", stock.string)
            let creation = try await create("--no-validate")
            #expect(creation.result.status == status, "\(damage): \(creation.result.errors)")
            #expect(try creation.isUntouched, "\(damage)")
        }
    }
}
