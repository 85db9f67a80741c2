// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Every source against a server with the files of its distribution, signed by throw-away keys; and against servers that
/// lie.
@Suite("Sources", .scratchDirectory)
struct SourceTests {
    private static func page(_ directory: FilePath, _ request: HostileServerRequest) -> HostileServerReply {
        guard request.path.hasSuffix("/") else { return .file(directory, for: request) }
        let path = directory.pushing(FilePath(String(request.path.drop { $0 == "/" })))
        guard let names = try? directoryNames(path) else { return .response(status: 404) }
        let links = names.map { "<a href=\"\($0)\">\($0)</a>\n" }.joined()
        return .response(body: Array("<html><a href=\"../\">..</a>\n\(links)</html>".utf8))
    }

    private struct Run {
        let server: HostileServer
        let system: SmallSystem
        let mirror: SourceMirror

        /// Builds, and says how it ended; a failure must leave nothing but its log.
        func build(keys: String, url: String? = nil, more: String = "") async throws -> ProgramResult {
            let etc = ScratchDirectory.path.appending("etc")
            try makeDirectory(etc)
            try write("ca = \(server.caFile)\n".utf8, to: etc.appending("rootcellar.conf"))
            let base = url ?? (mirror.downloader == "rootfs-http" ? "\(server.url)/\(mirror.file)" : server.url)
            let definition = try mirror.definition(system, url: base, keys: keys, more: more)
            let tree = ScratchDirectory.path.appending("tree")
            try await Programs.shell("rm -rf \"$1\" \"$1.log\"", tree.string)
            let result = try await runProgram(
                Programs.directory.appending("rootcellar").string,
                ["build-dir", definition.string, tree.string],
                environment: ["ROOTCELLAR_ETC": etc.string]
            )
            if result.status != 0 { #expect(!exists(tree)) }
            let left = try await Programs.shell(
                "ls -A \"$1\" | grep rootcellar-build || true",
                ScratchDirectory.path.string
            )
            #expect(left == "", "\(left)")
            return result
        }

        func isRefused(_ result: ProgramResult, _ what: String) {
            #expect(result.status == 31, "\(mirror.downloader), \(what): \(result.errors)")
            #expect(result.errors.contains("rootcellar: SOURCE: "), "\(mirror.downloader), \(what): \(result.errors)")
        }
    }

    private static func keyLines(_ armored: String) -> String {
        "  keys:\n  - |\n"
            + armored.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "    \($0)" }.joined(separator: "\n")
    }

    @Test(
        "take what is signed by a key of the definition, and nothing else",
        arguments: SourceMirror.all + SourceMirror.installers + SourceMirror.assembled
    )
    func verification(_ mirror: SourceMirror) async throws {
        let system = try await SmallSystem.make()
        let original = try await mirror.original(system)
        let good = ScratchDirectory.path.appending("good")
        let wrong = ScratchDirectory.path.appending("wrong")
        let keys = try await Forger(strangerIn: "g").using { forger in
            let signer = try await forger.makeKey("Signer <signer@example>")
            let other = try await forger.makeKey("Other <other@example>")
            try await mirror.make(good, tar: original, gnupg: forger.home, key: signer)
            try await mirror.make(wrong, tar: original, gnupg: forger.home, key: other)
            return Self.keyLines(try await forger.gpg(["--armor", "--export", signer]))
        }
        try await HostileServer.with { server in
            let run = Run(server: server, system: system, mirror: mirror)
            server.otherwise { Self.page(good, $0) }
            let result = try await run.build(keys: keys)
            #expect(result.status == 0, "\(mirror.downloader): \(result.errors)")
            let tree = ScratchDirectory.path.appending("tree")
            if mirror.downloader == "busybox" {
                // Nothing of the host is there, so that it runs only if it needs nothing.
                let answer = try await runProgram("chroot", [tree.string, "/usr/bin/name"])
                #expect(answer.output == "small name\n", "\(answer.status) \(answer.errors)")
            } else {
                #expect(try text(tree.appending("etc/hostname")) == "small\n", "\(mirror.downloader)")
            }
            for (path, expected) in mirror.content {
                let place = tree.pushing(FilePath(path))
                #expect((exists(place) ? try text(place) : nil) == expected, "\(mirror.downloader): \(path)")
            }
            if mirror.downloader == "gentoo-http" { #expect(exists(tree.appending("var/db/repos/gentoo/profiles"))) }

            run.isRefused(try await run.build(keys: ""), "no key")
            let file = "/\(mirror.file)"
            let bytes = try read(good.pushing(FilePath(mirror.file)))
            var changed = bytes
            changed[bytes.count / 2] ^= 1
            let tampered = changed
            server.on(file) { .content(tampered, for: $0) }
            run.isRefused(try await run.build(keys: keys), "tampered")
            server.on(file) { _ in .response(body: bytes, cut: bytes.count / 2) }
            run.isRefused(try await run.build(keys: keys), "truncated")
            server.on(file) { _ in .response(status: 404) }
            run.isRefused(try await run.build(keys: keys), "404")
            server.on(file) { _ in .redirect(to: "http://\(server.authority)/elsewhere") }
            run.isRefused(try await run.build(keys: keys), "redirect to http")
            server.remove(file)
            for signature in mirror.signatures { server.on("/\(signature)") { _ in .response(status: 404) } }
            run.isRefused(try await run.build(keys: keys), "missing signature")
            for signature in mirror.signatures { server.remove("/\(signature)") }
            server.otherwise { Self.page(wrong, $0) }
            run.isRefused(try await run.build(keys: keys), "wrong signer")
        }
    }

    @Test("a pinned hash is enough, and skip_verification taints the image")
    func pinsAndTaints() async throws {
        let system = try await SmallSystem.make()
        let mirror = try #require(SourceMirror.all.first)
        let good = ScratchDirectory.path.appending("good")
        try await Programs.shell(
            "mkdir -p \"$1/pub\"; cp \"$2\" \"$1/pub/root.tar.gz\"",
            good.string,
            system.tar.string
        )
        let sum = try await Programs.shell("sha256sum \"$1\" | cut -c 1-64", system.tar.string).trimming()
        try await HostileServer.with { server in
            server.otherwise { Self.page(good, $0) }
            let run = Run(server: server, system: system, mirror: mirror)
            let pinned = try await run.build(keys: "  keys: ['sha256:\(sum)']")
            #expect(pinned.status == 0, "\(pinned.errors)")
            let wrong = String(repeating: "0", count: 64)
            run.isRefused(try await run.build(keys: "  keys: ['sha256:\(wrong)']"), "another pin")
            let skipped = try await run.build(keys: "", more: "  skip_verification: true")
            #expect(skipped.status == 0, "\(skipped.errors)")
            // The same in an image, whose document says so.
            let definition = try mirror.definition(
                system,
                url: "\(server.url)/\(mirror.file)",
                keys: "",
                more: "  skip_verification: true"
            )
            let image = ScratchDirectory.path.appending("image")
            let etc = ScratchDirectory.path.appending("etc")
            try await runProgram(
                Programs.directory.appending("rootcellar").string,
                ["build", definition.string, "--output", image.string],
                environment: ["ROOTCELLAR_ETC": etc.string]
            ).succeeded()
            let document = try text(image.appending("image.json"))
            #expect(document.contains("\"taints\":[\"source.skip_verification: nobody vouches for root.tar.gz\"]"))
            #expect(document.contains("\"source.root.tar.gz.sha256\":\"\(sum)\""))
        }
    }

    @Test("a key that is only named comes from the machine's own keys, or the build is refused")
    func namedKeys() async throws {
        let system = try await SmallSystem.make()
        let mirror = try #require(SourceMirror.all.first)
        let good = ScratchDirectory.path.appending("good")
        let etc = ScratchDirectory.path.appending("etc")
        try makeDirectory(etc.appending("keys"))
        let (fingerprint, key) = try await Forger(strangerIn: "g").using { forger in
            let signer = try await forger.makeKey("Signer <signer@example>")
            try await mirror.make(good, tar: system.tar, gnupg: forger.home, key: signer)
            return (signer, try await forger.gpg(["--armor", "--export", signer]))
        }
        try await HostileServer.with { server in
            server.otherwise { Self.page(good, $0) }
            let run = Run(server: server, system: system, mirror: mirror)
            run.isRefused(try await run.build(keys: "  keys: ['\(fingerprint)']"), "a key that nobody has")
            try write(key.utf8, to: etc.appending("keys/\(fingerprint).asc"))
            let result = try await run.build(keys: "  keys: ['\(fingerprint)']")
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    @Test("the root of a disk image is read without mounting it")
    func diskImage() async throws {
        let system = try await SmallSystem.make()
        let name = "openwrt-25.12.1-x86-64-generic-ext4-combined-efi.img.gz"
        let mirror = SourceMirror(
            downloader: "openwrt-http",
            image: "  release: 25.12",
            mapping: "openwrt",
            file: "releases/25.12.1/targets/x86/64/\(name)",
            signatures: [],
            script: """
                mkdir tree; tar -C tree -xzf $tar
                truncate -s 16M ext4; mke2fs -q -t ext4 -d tree ext4; truncate -s 18M disk
                printf 'label: gpt\\nstart=2048, size=1024\\nstart=3072, size=32768\\n' | sfdisk -q disk
                dd if=ext4 of=disk bs=512 seek=3072 conv=notrunc status=none
                gzip -c disk >$file; echo metadata >>$file; rm -r tree ext4 disk
                sha256sum -b $file >sha256sums; asc sha256sums sha256sums.asc
                """
        )
        let good = ScratchDirectory.path.appending("good")
        let keys = try await Forger(strangerIn: "g").using { forger in
            let signer = try await forger.makeKey("Signer <signer@example>")
            try await mirror.make(good, tar: system.tar, gnupg: forger.home, key: signer)
            return Self.keyLines(try await forger.gpg(["--armor", "--export", signer]))
        }
        try await HostileServer.with { server in
            server.otherwise { Self.page(good, $0) }
            let result = try await Run(server: server, system: system, mirror: mirror).build(keys: keys)
            #expect(result.status == 0, "\(result.errors)")
            let tree = ScratchDirectory.path.appending("tree")
            #expect(try text(tree.appending("etc/hostname")) == "small\n")
            #expect(!exists(tree.appending("lost+found")))
        }
    }
}
