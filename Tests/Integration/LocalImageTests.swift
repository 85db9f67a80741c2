// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A tarball of the user's own", .scratchDirectory)
struct LocalImageTests {
    /// The files of an image, and the tree they were made of.
    private func image() async throws -> (directory: FilePath, tree: FilePath) {
        let directory = ScratchDirectory.path.appending("image")
        var image = SyntheticImage()
        image.bulk = 300
        try await image.write(to: directory)
        let script = "cd \"$1\"; zstd -q -d rootfs.tar.zst; gzip -k rootfs.tar; xz -dkq meta.tar.xz"
        try await Programs.shell(script, directory.string)
        return (directory, FilePath(directory.string + ".tree"))
    }

    /// Runs the template's program on a file.
    private func create(_ host: ClientHost, _ options: [String]) async throws -> Creation {
        let path = try Creation.makeContainer(host, "c1")
        let words = ["download", "--path=\(path)", "--name=c1", "--rootfs=\(path.appending("rootfs"))"]
        return Creation(path: path, result: try await host.run(words + options))
    }

    @Test("becomes a container, however it is compressed, without a server and with a warning")
    func compressions() async throws {
        let (directory, tree) = try await image()
        let host = try ClientHost()
        let expected = try await Snapshot(tree)
        for name in ["rootfs.tar", "rootfs.tar.xz", "rootfs.tar.zst", "rootfs.tar.gz"] {
            // The content decides, not the name.
            let file = ScratchDirectory.path.appending("stick")
            try write(try read(directory.appending(name)), to: file)
            let creation = try await create(host, ["--local", file.string])
            try creation.result.succeeded()
            #expect(creation.result.errors.contains("warning: nobody vouches for"), "\(name)")
            let found = try await creation.snapshot()
            for path in ["./bin/tool", "./bin/su", "./home/user/file", "./usr/share/bulk", "./usr/share/doc/größe"] {
                #expect(found.entries[path] == expected.entries[path], "\(name): \(path)")
            }
            let config = try text(creation.config)
            #expect(config.contains("lxc.include = /usr/share/lxc/config/common.conf\n"))
            #expect(config.contains("lxc.arch = "))
            #expect(try text(creation.rootfs.appending("etc/hostname")) == "LXC_NAME\n")
        }
        #expect(try await host.cacheFiles() == [])
    }

    @Test("is given the metadata that comes with it")
    func metadata() async throws {
        let (directory, _) = try await image()
        let host = try ClientHost()
        for name in ["meta.tar.xz", "meta.tar"] {
            let creation = try await create(
                host,
                [
                    "--local", directory.appending("rootfs.tar.xz").string, "--metadata",
                    directory.appending(name).string,
                ]
            )
            try creation.result.succeeded()
            #expect(creation.result.output.contains("You have a synthetic image."))
            #expect(try text(creation.rootfs.appending("etc/hostname")) == "c1\n")
        }
        let wrong = try await create(
            host,
            [
                "--local", directory.appending("rootfs.tar.xz").string, "--metadata",
                directory.appending("rootfs.tar.xz").string,
            ]
        )
        #expect(wrong.result.status == 18, "\(wrong.result.errors)")
        #expect(try wrong.isUntouched)
    }

    @Test("is refused, and the container untouched, if it is cut, changed, no archive, no file or a bomb")
    func refusals() async throws {
        let (directory, _) = try await image()
        let host = try ClientHost()
        let top = ScratchDirectory.path
        func expectRefusal(_ bytes: [UInt8], _ status: Int, _ what: String) async throws {
            let file = top.appending("bad")
            try write(bytes, to: file)
            let creation = try await create(host, ["--local", file.string])
            #expect(creation.result.status == status, "\(what): \(creation.result.errors)")
            #expect(creation.result.errorLine != nil, "\(what): \(creation.result.errors)")
            #expect(try creation.isUntouched, "\(what)")
        }
        var random = SeededGenerator()
        for name in ["rootfs.tar", "rootfs.tar.xz", "rootfs.tar.zst", "rootfs.tar.gz"] {
            let good = try read(directory.appending(name))
            for _ in 0..<3 {
                let length = Int.random(in: 0..<(good.count - 10_240), using: &random)
                try await expectRefusal(Array(good.prefix(length)), 17, "\(name) cut at \(length)")
            }
            try await expectRefusal(good + Array("something more".utf8), 17, "\(name) with a tail")
        }
        // The checksum at the end of a gzip file.
        var gzip = try read(directory.appending("rootfs.tar.gz"))
        gzip[gzip.count - 6] ^= 1
        try await expectRefusal(gzip, 17, "gzip with another checksum")
        try await expectRefusal([], 17, "an empty file")
        try await expectRefusal([UInt8](repeating: 0, count: 10240), 17, "zeros")
        for magic in ["LRZI", "PK\u{3}\u{4}", "7z\u{BC}", "#mtree\n", "BZh9", "\u{4}\u{22}\u{4D}\u{18}"] {
            try await expectRefusal(Array(magic.utf8) + [UInt8](repeating: 7, count: 1000), 17, magic)
        }
        for path in ["/nonexistent", "/dev/null", top.string] {
            #expect(try await create(host, ["--local", path]).result.status == 2)
        }
        #expect(try await create(host, ["--metadata", "x"]).result.status == 2)
        #expect(try await create(host, ["--local", "x", "-d", "debian"]).result.status == 2)
    }

    @Test("that unpacks to more than 200 times its size is a bomb")
    func bomb() async throws {
        let top = ScratchDirectory.path
        let script = """
            cd "$1"; mkdir tree; head -c 200M /dev/zero > tree/zeros
            tar -C tree -cf - . | tee bomb.tar | xz -1 > bomb.xz; zstd -q -19 bomb.tar -o bomb.zst
            tar -C tree -cf - . | gzip -9 > bomb.gz
            """
        try await Programs.shell(script, top.string)
        let host = try ClientHost()
        for name in ["bomb.xz", "bomb.zst", "bomb.gz"] {
            let creation = try await create(host, ["--local", top.appending(name).string])
            #expect(creation.result.status == 17, "\(name): \(creation.result.errors)")
            #expect(creation.result.errors.contains("bomb"), "\(name): \(creation.result.errors)")
            #expect(try creation.isUntouched, "\(name)")
        }
        // Nothing is hidden in a plain tar; its zeros become a hole.
        let plain = try await create(host, ["--local", top.appending("bomb.tar").string])
        try plain.result.succeeded()
        let blocks = try await Programs.shell("stat -c %b \"$1/zeros\"", plain.rootfs.string)
        #expect(blocks.trimming() == "0")
    }

    @Test("becomes a container through lxc-create itself")
    func throughLXC() async throws {
        let (directory, _) = try await image()
        let template = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending("templates/lxc-rootcellar")
        let top = ScratchDirectory.path
        try write(Array("lxc.net.0.type = empty\n".utf8), to: top.appending("lxc.conf"))
        let result = try await runProgram(
            "lxc-create",
            [
                "-P", top.appending("lxc").string, "-f", top.appending("lxc.conf").string, "-n", "web", "-t",
                template.string, "--", "--local", directory.appending("rootfs.tar.xz").string, "--metadata",
                directory.appending("meta.tar.xz").string,
            ],
            environment: ["PATH": "\(Programs.directory):/usr/sbin:/usr/bin:/sbin:/bin"]
        )
        try result.succeeded()
        #expect(try text(top.appending("lxc/web/rootfs/etc/hostname")) == "web\n")
        let info = try await runProgram("lxc-info", ["-P", top.appending("lxc").string, "-n", "web", "-s"])
        #expect(info.output.contains("STOPPED"))
    }
}
