// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Hostile metadata with a good signature", .scratchDirectory)
struct HostileMetadataTests {
    private static let config = "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.arch = x86_64\n"

    /// By name, the members that are put in the place of good ones; an empty text takes a member away.
    private static let cases: [String: [String: String]] = [
        "hook": ["config": config + "lxc.hook.pre-start = /bin/sh\n"],
        "mount": ["config": config + "lxc.mount.entry = / mnt none bind 0 0\n"],
        "rootfs": ["config": config + "lxc.rootfs.path = /\n"],
        "no-id-map": ["config": config + "lxc.idmap =\n"],
        "include": ["config": "lxc.include = /etc/passwd\n"],
        "include-dot-dot": ["config": "lxc.include = LXC_TEMPLATE_CONFIG/../../../etc/passwd\n"],
        "include-missing": ["config": "lxc.include = LXC_TEMPLATE_CONFIG/not-installed.conf\n"],
        "carriage-return": ["config": config + "lxc.arch = x86_64\rlxc.hook.start = x\n"],
        "quotes": ["config": "lxc.arch = \"x86_64\"\n"],
        "no-setting": ["config": config + "something\n"],
        "no-config": ["config": ""],
        "fstab": ["fstab": "/ mnt none bind 0 0\n"],
        "unknown-member": ["install.sh": "echo evil\n"],
        "member-dot-dot": ["../evil": "evil\n"],
        "member-absolute": ["/tmp/evil": "evil\n"],
        "template-dot-dot": ["templates": "/etc/../../../../outside/canary\n"],
        "template-link": ["templates": "/bin/link\n"],
        "template-below-link": ["templates": "/out/canary\n"],
        "template-hard-link": ["templates": "/bin/same\n"],
        "template-fifo": ["templates": "/var/fifo\n"],
        "template-directory": ["templates": "/etc\n"],
        "template-control": ["templates": "/etc/\u{1B}[2J\n"],
        "excludes-control": ["excludes": "\u{1B}]52;c;\u{7}\n"],
    ]

    @Test("is META: no container, and the files of the host are as they were")
    func metadata() async throws {
        let outside = ScratchDirectory.path.appending("outside")
        try makeDirectory(outside)
        try write("LXC_NAME\n".utf8, to: outside.appending("canary"))
        let before = try await Snapshot(outside)
        let site = try await Site()
        var directories: [FilePath] = []
        let cases = Self.cases.sorted { $0.key < $1.key }
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

    @Test("cannot write to the terminal: the message of an image is shown printable, indented and cut")
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
