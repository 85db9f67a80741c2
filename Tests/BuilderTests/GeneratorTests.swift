// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder
@testable import Definition

/// What each generator leaves in the root and for the time a container is created.
@Suite("Generators", .scratchDirectory)
struct GeneratorTests {
    private var root: FilePath { ScratchDirectory.path.appending("root") }
    private let both: OutputFormats = [.lxc, .incus]

    private func makeRoot(_ files: [String: String] = [:]) throws -> RootfsDirectory {
        try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: true)
        let rootfs = try RootfsDirectory(root)
        for (path, text) in files { try rootfs.write(path, Array(text.utf8)) }
        return rootfs
    }

    private func item(
        _ generator: Generator,
        path: String = "",
        content: String = "",
        name: String = "",
        _ change: (inout FileItem) -> Void = { _ in }
    ) -> FileItem {
        var item = FileItem()
        item.generator = generator
        item.path = SourceText(path)
        item.content = SourceText(content)
        item.name = name
        item.position = SourcePosition(file: "d.yaml", line: 7, column: 3)
        change(&item)
        return item
    }

    private func text(_ rootfs: RootfsDirectory, _ path: String) throws -> String? {
        try rootfs.read(path).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("dump writes a text that ends with a line feed, makes directories, and sets mode and owner")
    func dump() throws {
        let rootfs = try makeRoot(["/etc/passwd": "games:x:5:60:games:/:/bin/sh\n"])
        var runner = GeneratorRunner(rootfs, formats: both)
        try runner.run(item(.dump, path: "/a/b/c", content: "text"))
        try runner.run(item(.dump, path: "/empty"))
        try runner.run(
            item(.dump, path: "/owned", content: "x\n") {
                $0.mode = "0750"
                $0.uid = "games"
                $0.gid = "60"
                $0.templated = true
            }
        )
        #expect(try text(rootfs, "/a/b/c") == "text\n")
        #expect(try text(rootfs, "/empty") == "\n")
        #expect(rootfs.status("/a/b/c")?.mode == 0o644)
        #expect(rootfs.status("/a/b")?.mode == 0o755)
        let owned = try #require(rootfs.status("/owned"))
        #expect(owned.mode == 0o750 && owned.uid == 5 && owned.gid == 60)
        #expect(runner.templates.lxc == ["/owned"])
    }

    @Test("hostname and hosts are filled in by LXC and by Incus")
    func names() throws {
        let rootfs = try makeRoot(["/etc/hostname": "distrobuilder\n", "/etc/hosts": "127.0.0.1\tlocalhost\n"])
        var runner = GeneratorRunner(rootfs, formats: both)
        try runner.run(item(.hostname, path: "/etc/hostname"))
        try runner.run(item(.hosts, path: "/etc/hosts"))
        try runner.run(item(.hosts, path: "/not/there"))
        #expect(try text(rootfs, "/etc/hostname") == "LXC_NAME\n")
        #expect(try text(rootfs, "/etc/hosts") == "127.0.1.1\tLXC_NAME\n127.0.0.1\tlocalhost\n")
        #expect(runner.templates.lxc == ["/etc/hostname", "/etc/hosts"])
        #expect(runner.templates.incusFiles["hostname.tpl"] == "{{ container.name }}\n")
        #expect(
            runner.templates.incusFiles["hosts.tpl"] == "127.0.1.1\t{{ container.name }}\n127.0.0.1\tlocalhost\n"
        )
        #expect(runner.templates.incus["/etc/hosts"]?.file == "hosts.tpl")
        #expect(!rootfs.exists("/not/there"))
    }

    @Test("hosts replaces the builder's name where it stands")
    func builderName() throws {
        let rootfs = try makeRoot(["/etc/hosts": "127.0.1.1 distrobuilder distrobuilder.local\n"])
        var runner = GeneratorRunner(rootfs, formats: .lxc)
        try runner.run(item(.hosts, path: "/etc/hosts"))
        #expect(try text(rootfs, "/etc/hosts") == "127.0.1.1 LXC_NAME LXC_NAME.local\n")
        #expect(runner.templates.incus.isEmpty)
    }

    @Test("template is for Incus alone")
    func template() throws {
        let rootfs = try makeRoot()
        var runner = GeneratorRunner(rootfs, formats: both)
        try runner.run(
            item(.template, path: "/etc/x", content: "{{ y }}", name: "x") {
                $0.properties = ["default": "z"]
                $0.when = ["create"]
            }
        )
        #expect(
            runner.templates.incus == ["/etc/x": .init(file: "x.tpl", when: ["create"], properties: ["default": "z"])]
        )
        #expect(runner.templates.incusFiles == ["x.tpl": "{{ y }}\n"])
        #expect(!rootfs.exists("/etc/x"))
        #expect(runner.templates.lxc.isEmpty)
    }

    @Test("cloud-init is turned off for LXC alone and gets its seed from Incus")
    func cloudInit() throws {
        let rootfs = try makeRoot(["/etc/runlevels/boot/cloud-init": "", "/etc/runlevels/boot/other": ""])
        var lxc = GeneratorRunner(rootfs, formats: .lxc)
        try lxc.run(item(.cloudInit, name: "user-data"))
        #expect(rootfs.exists("/etc/cloud/cloud-init.disabled"))
        #expect(!rootfs.exists("/etc/runlevels/boot/cloud-init"))
        #expect(rootfs.exists("/etc/runlevels/boot/other"))
        try rootfs.remove("/etc/cloud")
        var shared = GeneratorRunner(rootfs, formats: both)
        for name in ["user-data", "vendor-data", "meta-data", "network-config"] {
            try shared.run(item(.cloudInit, name: name))
            #expect(shared.templates.incus["/var/lib/cloud/seed/nocloud-net/\(name)"]?.file == "cloud-init-\(name).tpl")
        }
        #expect(!rootfs.exists("/etc/cloud/cloud-init.disabled"))
        #expect(
            shared.templates.incus["/var/lib/cloud/seed/nocloud-net/user-data"]?.properties
                == ["default": "#cloud-config\n{}"]
        )
        #expect(throws: RootcellarError.self) { try shared.run(item(.cloudInit, name: "other")) }
    }

    @Test("remove takes a tree but never the whole root", arguments: ["", "/", ".", "//", "/..", "/a/.."])
    func remove(path: String) throws {
        let rootfs = try makeRoot(["/a/b/c": "x", "/keep": "y"])
        var runner = GeneratorRunner(rootfs, formats: both)
        #expect {
            try runner.run(item(.remove, path: path))
        } throws: {
            ($0 as? RootcellarError)?.errorClass == .definition
        }
        #expect(rootfs.exists("/a/b/c"))
        try runner.run(item(.remove, path: "/a"))
        try runner.run(item(.remove, path: "/gone/long/ago"))
        #expect(!rootfs.exists("/a") && rootfs.exists("/keep"))
    }

    @Test("copy takes files, directories and patterns, keeps links, and forgets modes")
    func copy() throws {
        let rootfs = try makeRoot()
        let source = ScratchDirectory.path.appending("source")
        let manager = FileManager.default
        try manager.createDirectory(atPath: source.appending("sub").string, withIntermediateDirectories: true)
        try Data("1".utf8).write(to: URL(filePath: source.appending("one.txt").string))
        try Data("2".utf8).write(to: URL(filePath: source.appending("sub").appending("two.txt").string))
        try manager.createSymbolicLink(atPath: source.appending("link").string, withDestinationPath: "one.txt")
        try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: source.appending("one.txt").string)
        var runner = GeneratorRunner(rootfs, formats: both)
        try runner.run(item(.copy, path: "/all") { $0.source = SourceText(source.string) })
        try runner.run(item(.copy, path: "/some/") { $0.source = SourceText("\(source.string)/*.txt") })
        #expect(try text(rootfs, "/all/sub/two.txt") == "2")
        #expect(rootfs.status("/all/one.txt")?.mode == 0o644)
        #expect(try manager.destinationOfSymbolicLink(atPath: root.appending("all/link").string) == "one.txt")
        #expect(try text(rootfs, "/some/one.txt") == "1")
        #expect(throws: RootcellarError.self) {
            try runner.run(item(.copy, path: "/x/") { $0.source = SourceText("\(source.string)/*.none") })
        }
    }

    @Test("no link of the image leads a generator out of it")
    func hostileLinks() throws {
        let rootfs = try makeRoot(["/etc/keep": "x"])
        let outside = ScratchDirectory.path.appending("outside")
        let manager = FileManager.default
        try manager.createDirectory(atPath: outside.string, withIntermediateDirectories: true)
        let victim = outside.appending("victim")
        try Data("untouched".utf8).write(to: URL(filePath: victim.string))
        let links = [
            "abs": victim.string, "dir": outside.string, "up": "../../../../../..\(victim.string)",
            "hostname": victim.string,
        ]
        for (name, target) in links {
            try manager.createSymbolicLink(atPath: root.appending(name).string, withDestinationPath: target)
        }
        var runner = GeneratorRunner(rootfs, formats: both)
        let paths = ["/abs", "/dir/victim", "/up", "/../../../\(victim.string)", "/etc/../../..\(victim.string)"]
        for path in paths { try? runner.run(item(.dump, path: path, content: "overwritten")) }
        for path in ["/dir/victim", "/dir/", "/dir/../outside/victim"] { try? runner.run(item(.remove, path: path)) }
        try? runner.run(item(.hostname, path: "/hostname"))
        #expect(try String(contentsOfFile: victim.string, encoding: .utf8) == "untouched")
        #expect(try manager.contentsOfDirectory(atPath: outside.string) == ["victim"])
    }

    @Test("a file that is no regular file is refused without waiting for it")
    func special() async throws {
        let rootfs = try makeRoot()
        _ = try await runProgram("mkfifo", [root.appending("pipe").string])
        var runner = GeneratorRunner(rootfs, formats: both)
        #expect(throws: RootcellarError.self) { try runner.run(item(.dump, path: "/pipe", content: "x")) }
        #expect(throws: RootcellarError.self) { try rootfs.read("/pipe") }
    }

    @Test("a mode or an owner that makes no sense is refused with its place", arguments: ["9", "rwx", "10000", "-1"])
    func badMode(mode: String) throws {
        var runner = GeneratorRunner(try makeRoot(), formats: both)
        #expect {
            try runner.run(item(.dump, path: "/x") { $0.mode = mode })
        } throws: {
            ($0 as? RootcellarError)?.subject == "d.yaml:7:3"
        }
        #expect(throws: RootcellarError.self) { try runner.run(item(.dump, path: "/x") { $0.uid = "nobody-here" }) }
    }
}
