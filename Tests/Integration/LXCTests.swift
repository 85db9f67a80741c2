// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("LXC", .scratchDirectory)
struct LXCTests {
    private static let package = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    /// An image that fits into every namespace: all of it is root's.
    private static var image: SyntheticImage {
        var tar = RawTar()
        for directory in ["bin/", "etc/", "usr/"] { tar.add(directory, type: "5", mode: 0o755) }
        tar.add("bin/sh", text: "#!\n", mode: 0o755)
        tar.add("etc/hostname", text: "LXC_NAME\n")
        tar.add("etc/hosts", text: "127.0.1.1 LXC_NAME\n")
        var image = SyntheticImage()
        image.tar = (tar.finished, tar.entries, tar.content, nil)
        return image
    }

    /// Runs a script with WORK, the programs' directory and the words that choose the image.
    private func run(_ script: String, _ prefix: [String]) async throws {
        let site = try await Site.publishing(Self.image)
        try await Programs.shell("chmod 755 \"$1\"", ScratchDirectory.path.string)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost("w")
            try await host.trust(server, site)
            host.emptyCache()
            let template = host.top.appending("lxc-rootcellar")
            try await Programs.shell(
                "chmod 644 \"$4\"; chmod 755 \"$5\"; cp \"$1\" \"$2\"; chmod 755 \"$2\" \"$3\"",
                Self.package.appending("templates/lxc-rootcellar").string,
                template.string,
                host.top.string,
                server.authority.string,
                site.top.string
            )
            let path = Self.package.appending("Tests/Integration/Scripts/\(script)").string
            let words: [String]
            if script == "bindings" {
                let work = host.top.appending("lxc")
                try makeDirectory(work)
                try write("lxc.net.0.type = empty\n".utf8, to: host.top.appending("lxc.conf"))
                words = [
                    template.string, work.string, host.top.appending("lxc.conf").string, "dist=example",
                    "release=one", "arch=amd64", "server=\(server.address)",
                ]
            } else {
                try removeAll(host)
                words = [
                    host.top.string, Programs.directory.string, "-d", "example", "-r", "one", "-a", "amd64", "--server",
                    server.address,
                ]
            }
            let found = try await Programs.shell("echo \"$PATH\"")
            let result = try await runProgram(
                prefix[0],
                prefix.dropFirst() + [path] + words,
                environment: host.environment.merging(["PATH": "\(Programs.directory):\(found.trimming())"]) { $1 }
            )
            #expect(result.status == 0, "\(result.output)\n\(result.errors)")
        }
    }

    /// The home directory that the script makes itself.
    private func removeAll(_ host: ClientHost) throws { removeTree(host.home) }

    @Test("runs the template in each of its seven namespaces: right metadata, right cache, right owners")
    func namespaces() async throws { try await run("namespaces", ["unshare", "-m", "bash"]) }

    @Test("creates containers on every backing store")
    func backingStores() async throws { try await run("backing-stores", ["unshare", "-m", "bash"]) }

    @Test("creates containers for programs that use its library")
    func bindings() async throws { try await run("bindings", ["/usr/bin/python3"]) }

    @Test("gives its own template back after ours stood in its place")
    func diversion() async throws {
        let top = ScratchDirectory.path
        let script = """
            cd "$1"; mkdir -p "$2/var/lib/dpkg" "$2/usr/share/lxc/templates" "$2/p"; : > "$2/var/lib/dpkg/status"
            t=$2/usr/share/lxc/templates; echo stock > "$t/lxc-download"; cp templates/lxc-rootcellar "$t"
            export DESTDIR="$2"
            scripts/divert add; scripts/divert add
            cmp "$t/lxc-download" templates/lxc-rootcellar; test "$(cat "$t/lxc-download.distrib")" = stock
            scripts/divert remove; scripts/divert remove
            test "$(cat "$t/lxc-download")" = stock; test ! -e "$t/lxc-download.distrib"
            grep -q 'scripts/divert add' Makefile; grep -q 'scripts/divert remove' Makefile
            """
        try await Programs.shell(script, Self.package.string, top.string)
    }
}
