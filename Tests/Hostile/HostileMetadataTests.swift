// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Hostile metadata with a good signature", .scratchDirectory)
struct HostileMetadataTests {
    private static let config = "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.arch = x86_64\n"

    /// By name, the members that are put in the place of good ones; an empty text takes a member away.
    private typealias Cases = [String: [String: String]]

    @Test("84: hooks, mounts, foreign includes, an empty id map, odd quoting, CR in a configuration -> META")
    func configuration() async throws {
        let config = Self.config
        let keys = [
            "lxc.hook.pre-start = /bin/sh", "lxc.hook.start-host = /bin/sh", "lxc.mount.entry = / mnt none bind 0 0",
            "lxc.mount.fstab = /etc/fstab", "lxc.mount.auto = proc:rw", "lxc.rootfs.path = /", "lxc.idmap =",
            "lxc.cap.drop =", "lxc.log.file = /etc/cron.d/x", "lxc.net.0.script.up = /bin/sh",
            "lxc.apparmor.profile = unconfined", "lxc.seccomp.profile =", "lxc.cgroup2.devices.allow = a",
            "lxc.environment = LD_PRELOAD=/x", "lxc.init.cmd = /bin/sh", "lxc.namespace.share.net = 1",
            "lxc.prlimit.nofile = 1", "lxc.sysctl.kernel.core_pattern = x", "lxc.start.auto = 1",
            "lxc.include = /etc/passwd", "lxc.include = LXC_TEMPLATE_CONFIG/../../../etc/passwd",
            "lxc.include = LXC_TEMPLATE_CONFIG/not-installed.conf", "lxc.arch = x86_64\rlxc.hook.start = x",
            "lxc.arch = \"x86_64\"", "something", "  lxc.hook.clone=x", "lxc.hook.pre-start\t=\tx",
        ]
        var cases: Cases = [:]
        for (number, line) in keys.enumerated() { cases["line-\(number)"] = ["config": config + line + "\n"] }
        cases["no-config"] = ["config": ""]
        cases["fstab"] = ["fstab": "/ mnt none bind 0 0\n"]
        cases["nul"] = ["config": config + "lxc.arch\u{0} = x\n"]
        try await refuse(cases)
    }

    /// What the project's public builders write: today's files without a suffix, those for clients before LXC 2.1 with
    /// one, which name a snippet of the distribution.
    private static func official(_ distribution: String, _ architecture: String) -> [(name: String, text: String)] {
        var members = [
            (
                "create-message",
                "You just created an \(distribution) container (arch=\(architecture), variant=default)\n"
            ),
            ("expiry", "4102444800\n"), ("excludes-user", "\n"), ("templates", "/etc/hosts\n/etc/hostname\n"),
        ]
        for level in ["", ".1", ".2", ".3", ".4"] {
            let name = level.isEmpty ? "" : "\(distribution)."
            let common = "lxc.include = LXC_TEMPLATE_CONFIG/\(name)common.conf\n"
            let user = "lxc.include = LXC_TEMPLATE_CONFIG/\(name)userns.conf\n"
            let last = "lxc.arch = \(architecture)\n"
            members += [("config\(level)", common + last), ("config-user\(level)", common + user + last)]
        }
        return members
    }

    @Test("85: the configuration of every official image -> accepted, and the same in meaning")
    func official() async throws {
        let images = [
            ("almalinux", "x86_64"), ("alpine", "linux64"), ("alt", "linux32"), ("amazonlinux", "aarch64"),
            ("archlinux", "x86_64"), ("busybox", "i686"), ("centos", "x86_64"), ("debian", "armv7l"),
            ("devuan", "linux64"), ("fedora", "ppc64le"), ("gentoo", "linux64"), ("kali", "arm64"),
            ("openeuler", "aarch64"), ("opensuse", "s390x"), ("openwrt", "armv8l"), ("oracle", "x86_64"),
            ("plamo", "linux32"), ("rockylinux", "riscv64"), ("slackware", "i586"), ("ubuntu", "armhf"),
            ("voidlinux", "mipsel"),
        ]
        let site = try await Site()
        var directories: [FilePath] = []
        for (distribution, architecture) in images {
            var image = SyntheticImage()
            image.name = "\(distribution)/current/amd64"
            image.bulk = 4
            image.metadata = Self.official(distribution, architecture)
            directories.append(try await image.write(to: site.top.appending(distribution)))
        }
        try await site.publish(directories).succeeded()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            for (distribution, architecture) in images {
                let creation = try await host.download(server, "\(distribution)/current/amd64")
                try creation.result.succeeded()
                let lines = try text(creation.config).split(separator: "\n").filter {
                    $0.hasPrefix("lxc.include") || $0.hasPrefix("lxc.arch")
                }
                let expected = ["lxc.include = /usr/share/lxc/config/common.conf", "lxc.arch = \(architecture)"]
                #expect(lines.map(String.init) == expected, "\(distribution)")
                creation.remove()
            }
        }
    }

    @Test("86: excludes with control characters -> META; blanks, options and globs are never anybody's arguments")
    func excludes() async throws {
        try await refuse(["control": ["excludes": "\u{1B}]52;c;\u{7}\n"]])
        var image = SyntheticImage()
        let marker = ScratchDirectory.path.appending("ran").string
        image.metadata.removeAll { $0.name == "excludes-user" }
        let line = "x --checkpoint=1 --checkpoint-action=exec=touch\(marker) *\n--to-command=touch \(marker)\n"
        image.metadata += [("excludes", line), ("excludes-user", line)]
        let site = try await Site.publishing(image)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost("second")
            try await host.trust(server, site)
            let creation = try await host.download(server)
            try creation.result.succeeded()
            #expect(exists(creation.rootfs.appending("usr/share/bulk")))
            #expect(!exists(FilePath(marker)))
        }
    }

    @Test("87: templates that lead out, through links, to a FIFO, a directory or a hard-linked file -> META")
    func templates() async throws {
        try await refuse([
            "dot-dot": ["templates": "/etc/../../../../outside/canary\n"],
            "link": ["templates": "/bin/link\n"],
            "below-link": ["templates": "/out/canary\n"],
            "hard-link": ["templates": "/bin/same\n"],
            "fifo": ["templates": "/var/fifo\n"],
            "directory": ["templates": "/etc\n"],
            "control": ["templates": "/etc/\u{1B}[2J\n"],
        ])
    }

    @Test("89: an image says nothing about its own expiry: only the signed lifetime counts")
    func expiry() async throws {
        for text in ["253402300799", "-1", "soon", ""] {
            var image = SyntheticImage()
            image.age = 40 * 86400
            image.bulk = 4
            image.metadata.removeAll { $0.name == "expiry" }
            if !text.isEmpty { image.metadata.append(("expiry", text + "\n")) }
            let site = try await Site(in: ScratchDirectory.path.appending("site-\(text)"))
            try await site.publish(image)
            try await PublishedServer.run(site) { server in
                let host = try ClientHost("host-\(text)")
                try await host.trust(server, site)
                try await host.download(server).result.succeeded()
                try await server.stopAndWait()
                let creation = try await host.download(server)
                #expect(creation.result.status == 19, "\(text): \(creation.result.errors)")
            }
        }
    }

    @Test("90: unknown members, dot-dot and absolute names, too many and too big ones in the metadata -> META")
    func archive() async throws {
        try await refuse([
            "unknown-member": ["install.sh": "echo evil\n"],
            "member-dot-dot": ["../evil": "evil\n"],
            "member-absolute": ["/tmp/evil": "evil\n"],
            "many": Dictionary(uniqueKeysWithValues: (0..<1000).map { ("config.\($0 + 100)", Self.config) }),
            "big": ["create-message": String(repeating: "x", count: 8 << 20)],
        ])
    }

    /// Expects META of each: no container, and the files of the host are as they were.
    private func refuse(_ cases: Cases) async throws {
        let outside = ScratchDirectory.path.appending("outside")
        try makeDirectory(outside)
        try write("LXC_NAME\n".utf8, to: outside.appending("canary"))
        let before = try await Snapshot(outside)
        let site = try await Site(in: ScratchDirectory.path.appending("site-\(cases.count)"))
        var directories: [FilePath] = []
        let cases = cases.sorted { $0.key < $1.key }
        for (name, members) in cases {
            var image = SyntheticImage()
            image.name = "hostile/\(name)/amd64"
            image.bulk = 4
            image.outwardLink = outside.string
            image.metadata.removeAll { members[$0.name] != nil }
            image.metadata += members.filter { !$0.value.isEmpty }.map { ($0.key, $0.value) }
            directories.append(try await image.write(to: site.top.appending(name)))
        }
        try await runProgram(Programs.directory.appending("rootcellar").string, site.publication(directories))
            .succeeded()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            for (name, _) in cases {
                let creation = try await host.download(server, "hostile/\(name)/amd64")
                let comment = Comment(rawValue: "\(name): \(creation.result.errors)")
                #expect(creation.result.status == 18, comment)
                #expect(creation.result.errorLine?.hasPrefix("rootcellar: META: ") == true, comment)
                #expect(try creation.isUntouched, comment)
                #expect(try await Snapshot(outside).differences(from: before) == [], comment)
            }
        }
    }

    @Test("88: it cannot write to the terminal: the message of an image is shown printable, indented and cut")
    func message() async throws {
        var image = SyntheticImage()
        image.metadata.removeAll { $0.name == "create-message" }
        let flood = String(repeating: "flood\n", count: 20000)
        image.metadata.append(("create-message", "rootcellar: done\u{1B}]52;c;\u{7}\u{202E}\n" + flood))
        let site = try await Site.publishing(image)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let creation = try await host.download(server)
            try creation.result.succeeded()
            let output = creation.result.output
            #expect(output.contains("  rootcellar: done]52;c;"))
            #expect(!output.contains("\nrootcellar: done"))
            #expect(output.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && $0.value != 0x202E) })
            #expect(output.utf8.count < 8192)
        }
    }
}
