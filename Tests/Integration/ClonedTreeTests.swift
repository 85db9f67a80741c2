// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// The cache keeps the unpacked tree where files can share their content.
@Suite("A file system that can clone", .scratchDirectory)
struct ClonedTreeTests {
    /// Runs a test with a host whose cache and containers are on a new file system of a kind.
    private func withFileSystem(
        _ kind: String,
        _ body: (Site, PublishedServer, ClientHost) async throws -> Void
    ) async throws {
        var image = SyntheticImage()
        image.bulk = 5000
        let site = try await Site.publishing(image)
        let host = try ClientHost()
        let words = [host.top.string, kind]
        // Mounted where every program of the test finds it, so it has to be taken away again whatever happens.
        try await Programs.shell(
            """
            truncate -s 512M "$1.img"; mkfs.$2 -q "$1.img"; mount -o loop "$1.img" "$1"; mkdir "$1/etc" "$1/home"
            """,
            words[0],
            words[1]
        )
        do {
            try await PublishedServer.run(site) { server in
                try await host.trust(server, site)
                try await body(site, server, host)
            }
        } catch {
            try await Programs.shell("umount \"$1\"", host.top.string)
            throw error
        }
        try await Programs.shell("umount \"$1\"", host.top.string)
    }

    /// Whether the two big files share their content on the disk.
    private func shares(_ one: FilePath, _ other: FilePath) async throws -> Bool {
        let map = "sync; filefrag -v \"$1\" | sed -n 's/^ *0: *[^:]*: *\\([0-9]*\\).*/\\1/p'"
        let places = [
            try await Programs.shell(map, one.appending("usr/share/bulk").string),
            try await Programs.shell(map, other.appending("usr/share/bulk").string),
        ]
        return !places[0].isEmpty && places[0] == places[1]
    }

    private func trees(_ host: ClientHost) async throws -> [String] {
        try await Programs.shell("ls \"$1/trees\" 2>/dev/null || true", host.cache.string).split(separator: "\n")
            .map(String.init)
    }

    @Test("gives each container a copy that shares its content with the cache's", arguments: ["btrfs", "xfs"])
    func clones(_ kind: String) async throws {
        try await withFileSystem(kind) { site, server, host in
            let first = try await host.download(server, name: "one")
            try first.result.succeeded()
            let second = try await host.download(server, name: "two")
            try second.result.succeeded()
            #expect(second.result.output.contains("Using image from local cache"))
            #expect(try await shares(first.rootfs, second.rootfs), "\(kind)")
            #expect(try text(second.rootfs.appending("etc/hostname")) == "two\n")
            #expect(second.result.errors == first.result.errors, "what is left out is told each time")
            #expect(try await second.snapshot().differences(from: first.snapshot()).count == 2, "the names alone")
            // Where files cannot share their content, no tree is kept, and the container is the same.
            let other = try ClientHost("plain")
            try await Programs.shell("mount -t tmpfs tmpfs \"$1\"; mkdir \"$1/etc\" \"$1/home\"", other.top.string)
            let (plain, leftover): (Snapshot, [String])
            do {
                try await other.trust(server, site)
                let creation = try await other.download(server, name: "two")
                try creation.result.succeeded()
                (plain, leftover) = (try await creation.snapshot(), try await trees(other))
            } catch {
                try await Programs.shell("umount \"$1\"", other.top.string)
                throw error
            }
            try await Programs.shell("umount \"$1\"", other.top.string)
            #expect(leftover == [])
            #expect(try await second.snapshot().differences(from: plain) == [])
            // A container that is changed changes neither the cache nor another container.
            try await Programs.shell("echo evil > \"$1/bin/tool\"", second.rootfs.string)
            let third = try await host.download(server, name: "two")
            #expect(try await third.snapshot().differences(from: plain) == [])
            let verified = try await host.run("cache", "verify")
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }

    @Test(
        "makes a tree anew that was changed, is not whole, or is from before the last start of the machine",
        arguments: [
            "echo evil > $t/bin/tool", "chmod 777 $t/etc", "touch $t/home", "rm $t/bin/link", "ln -s / $t/root/out",
            "setfattr -n user.x -v y $t/bin/tool", "rm $t.json", "rm -r $t", "echo x > $t.json",
            "sed -i 's/\"boot\":\"[^\"]*/\"boot\":\"another/' $t.json",
            "cp -a $t $t.c && rm -r $t && mv $t.c $t",
        ]
    )
    func damaged(_ damage: String) async throws {
        try await withFileSystem("btrfs") { _, server, host in
            let good = try await host.download(server)
            try good.result.succeeded()
            try await Programs.shell(
                "for t in \"$1\"/trees/*; do case $t in *.json) ;; *) break ;; esac; done; \(damage)",
                host.cache.string
            )
            if !damage.hasPrefix("rm -r"), !damage.contains("boot") {
                #expect(try await host.run("cache", "verify").status == 19, "\(damage)")
            }
            let again = try await host.download(server)
            try again.result.succeeded()
            #expect(try await again.snapshot().differences(from: good.snapshot()) == [], "\(damage)")
            #expect(try await trees(host).count == 2, "\(damage)")
            let verified = try await host.run("cache", "verify")
            #expect(verified.status == 0, "\(damage): \(verified.output)\(verified.errors)")
        }
    }

    @Test("makes containers all the same where no tree can be kept")
    func unusable() async throws {
        try await withFileSystem("btrfs") { _, server, host in
            try await Programs.shell("mkdir -p \"$1\"; echo x > \"$1/trees\"", host.cache.string)
            let creation = try await host.download(server)
            #expect(creation.result.status == 19, "what is no directory is not made one: \(creation.result.errors)")
            try await Programs.shell("rm \"$1/trees\"; mkdir \"$1/trees\"; chattr +i \"$1/trees\"", host.cache.string)
            let without = try await host.download(server)
            try await Programs.shell("chattr -i \"$1/trees\"", host.cache.string)
            try without.result.succeeded()
            #expect(without.result.errors.contains("no unpacked tree is kept"), "\(without.result.errors)")
            #expect(try text(without.rootfs.appending("etc/hostname")) == "c1\n")
        }
    }

    @Test("loses its trees with the builds that they are of")
    func removed() async throws {
        try await withFileSystem("btrfs") { site, server, host in
            try await host.download(server).result.succeeded()
            let before = try await trees(host)
            #expect(before.count == 2)
            var newer = SyntheticImage()
            newer.age = 60
            newer.bulk = 10
            try await site.publish(newer)
            try await host.download(server).result.succeeded()
            let after = try await trees(host)
            #expect(after.count == 2 && after != before)
            try await host.download(server, "example/one/amd64", "--flush-cache").result.succeeded()
            #expect(try await trees(host) == after)
            try await host.run("cache", "prune", "--max-size", "0").succeeded()
            #expect(try await trees(host) == [])
        }
    }

    @Test("keeps no half of a tree where the unpacker is killed")
    func killed() async throws {
        try await withFileSystem("btrfs") { _, server, host in
            var random = SeededGenerator()
            for round in 0..<6 {
                host.emptyCache()
                let delay = Int.random(in: 50...600, using: &random)
                let script = "timeout -s KILL 0.\(String(1000 + delay).dropFirst()) \"$@\" || true"
                _ = try await host.download(server, script: script)
                let creation = try await host.download(server)
                try creation.result.succeeded()
                #expect(try await host.run("cache", "verify").status == 0, "round \(round), seed \(random.seed)")
            }
        }
    }
}
