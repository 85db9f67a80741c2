// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A published image", .scratchDirectory)
struct CreationTests {
    @Test("becomes a container that is the packed tree with its name put in, and a configuration in LXC's order")
    func container() async throws {
        let site = try await Site()
        let tree = try await site.publish(SyntheticImage())
        let check = try await site.check().succeeded()
        #expect(check.output.contains("\"builds\" : 1"))
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let creation = try await host.download(server, name: "web")
            try creation.result.succeeded()
            #expect(creation.result.output.contains("You have a synthetic image."))

            #expect(try text(creation.rootfs.appending("etc/hostname")) == "web\n")
            #expect(try text(creation.rootfs.appending("etc/hosts")) == "127.0.1.1 web\n")
            #expect(exists(creation.rootfs.appending("dev/pts")))
            #expect(!exists(creation.rootfs.appending("dev/null")))
            let names = ["./etc/hostname", "./etc/hosts", "./dev/pts", "./dev/null"]
            var expected = try await Snapshot(tree).ignoringTimes(of: ".", "./etc", "./dev")
            var found = try await creation.snapshot()
            for name in names {
                expected = expected.without(name)
                found = found.without(name)
            }
            // The packer decides the mode of the top directory, which here is a scratch directory's.
            expected = expected.without(".")
            #expect(found.entries["."]?.hasPrefix("d 755 0:0") == true)
            found = found.without(".")
            #expect(found.differences(from: expected) == [])
            let sameFile = try await Programs.shell(
                "test \"$1/bin/tool\" -ef \"$1/bin/same\" && getcap \"$1/bin/same\"",
                creation.rootfs.string
            )
            #expect(sameFile.contains("cap_net_raw=ep"))
        }
    }

    @Test("gives a configuration with the image's includes first, then the user's settings, then the network")
    func configuration() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let creation = try await host.download(server, name: "web")
            try creation.result.succeeded()
            let settings = try text(creation.config).split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(
                settings == [
                    "lxc.include = /usr/share/lxc/config/common.conf", "lxc.arch = x86_64",
                    "lxc.apparmor.profile = generated", "lxc.rootfs.path = dir:/nowhere", "lxc.uts.name = web",
                    "lxc.net.0.type = veth", "lxc.net.0.link = lxcbr0",
                ]
            )
            #expect(try text(creation.config).hasPrefix("# Template used to create this container: rootcellar\n"))
        }
    }

    @Test("is created again from the cache with one request, and the same")
    func cached() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let first = try await host.download(server)
            try first.result.succeeded()
            let before = try await server.requests()
            #expect(before.count { $0.contains("rootfs.tar.zst") } == 1)
            #expect(before.allSatisfy { !$0.contains("rootfs.tar.xz") })
            let cache = try await host.cacheSnapshot()
            let second = try await host.download(server)
            try second.result.succeeded()
            #expect(second.result.output.contains("Using image from local cache"))
            let after = try await server.requests()
            #expect(after.dropFirst(before.count) == ["304 /rootcellar/pointer.signed"])
            #expect(try await second.snapshot().differences(from: try await first.snapshot()) == [])
            // Locks are only opened, objects only read.
            #expect(try await host.cacheSnapshot().differences(from: cache) == [])
        }
    }

    @Test("is followed to its next build, which replaces the one in the cache")
    func nextBuild() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            var newer = SyntheticImage()
            newer.age = 60
            newer.bulk = 1500
            let tree = try await site.publish(newer)
            let creation = try await host.download(server)
            try creation.result.succeeded()
            let bulk = "./usr/share/bulk"
            #expect(try await creation.snapshot().entries[bulk] == Snapshot(tree).entries[bulk])
            // Two documents of the old way down stay; the old build's files do not.
            let kibibytes = try await Programs.shell("du -sk \"$1\" | cut -f1", host.cache.string)
            #expect(Int(kibibytes.trimming()) ?? .max < 2500)
            #expect(try await host.strangeCacheFiles() == [])
        }
    }

    @Test("is listed in the frame that programs around LXC look for")
    func list() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let result = try await host.run("download", "--list", "--server", server.address)
            try result.succeeded()
            let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            #expect(lines.first == "Downloading the image index")
            #expect(lines.count { $0 == "---" } == 3)
            #expect(lines.contains { $0.split(separator: " ") == ["DIST", "RELEASE", "ARCH", "VARIANT", "BUILD"] })
            let row = lines.first { $0.hasPrefix("example") }?.split(separator: " ").map(String.init)
            #expect(row?.dropLast() == ["example", "one", "amd64", "default"])
            #expect(row?.last?.wholeMatch(of: /\d{8}_\d\d:\d\d/) != nil)
            let json = try await host.run("list", "--json").succeeded()
            #expect(json.output.contains("\"architecture\" : \"amd64\""))
        }
    }

    @Test("is created from a plain nginx over the same tree as well")
    func nginx() async throws {
        let site = try await Site()
        let tree = try await site.publish(SyntheticImage())
        try await Programs.shell("chmod 755 \"$1\" \"$2\"", ScratchDirectory.path.string, site.top.string)
        let scratch = ScratchDirectory.path.appending("nginx")
        try makeDirectory(scratch)
        try await NginxServer.run(over: site.tree, in: scratch) { server in
            let host = try ClientHost()
            try await host.trust(server.url, site.fingerprint, authority: server.authority).succeeded()
            let creation = try await host.download("localhost:\(server.port)")
            try creation.result.succeeded()
            let bulk = "./usr/share/bulk"
            #expect(try await creation.snapshot().entries[bulk] == Snapshot(tree).entries[bulk])
            try await host.download("localhost:\(server.port)").result.succeeded()
            #expect(try text(server.accessLog).split(separator: "\n").last?.contains("\" 304 ") == true)
        }
    }
}
