// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A server without an index of ours", .scratchDirectory)
struct PlainServerTests {
    private static let image = "example/one/amd64"

    /// Runs a test with a tree signed by gpg, served by a server that a test can bend.
    private func withTree(
        _ names: [String] = ["example/one/amd64/default"],
        _ body: (SignedTree, HostileServer, ClientHost) async throws -> Void
    ) async throws {
        let top = ScratchDirectory.path.appending("t")
        try makeDirectory(top)
        let tree = try await SignedTree(names, in: top)
        do {
            try await HostileServer.with { server in
                server.serve(directory: tree.directory)
                try await body(tree, server, try ClientHost())
            }
        } catch {
            try await tree.end()
            throw error
        }
        try await tree.end()
    }

    private func create(
        _ host: ClientHost,
        _ server: HostileServer,
        _ words: [String],
        image: String = Self.image
    ) async throws -> Creation {
        try await host.download(server.authority, image, words + ["--ca", server.caFile])
    }

    @Test("with signatures beside its files is believed by a key that is given, and used again from the cache")
    func signatures() async throws {
        try await withTree { tree, server, host in
            let words = ["--keyid", "0x\(tree.fingerprint)", "--keyring", tree.keyring.string]
            let first = try await create(host, server, words)
            try first.result.succeeded()
            #expect(try text(first.rootfs.appending("etc/hostname")) == "c1\n")
            #expect(first.result.errors.contains("nothing signed says which files belong to this build"))
            for line in [
                "Setting up the GPG keyring", "Downloading the image index", "Downloading the metadata",
                "Downloading the rootfs", "The image cache is now ready", "Unpacking the rootfs",
            ] { #expect(first.result.output.contains(line + "\n"), "\(line)") }
            let path = "/images/example/one/amd64/default/\(tree.serial)/rootfs.tar.xz"
            #expect(server.count(path) == 1)
            // The key may lie among the pins instead, as a small or a capital word.
            let pins = host.configuration.appending("trust.d")
            try makeDirectory(pins)
            try write(try read(tree.keyring), to: pins.appending("\(tree.fingerprint).asc"))
            let second = try await create(host, server, ["--keyid", tree.fingerprint.lowercased()])
            try second.result.succeeded()
            #expect(second.result.output.contains("Using image from local cache"))
            #expect(server.count(path) == 1)
            #expect(try await second.snapshot().differences(from: try await first.snapshot()) == [])
            #expect(try await host.strangeCacheFiles() == [])
            // Without the server the cache is enough for a while; a damaged one is not.
            server.otherwise { _ in .response(status: 503) }
            server.on("/meta/1.0/index-system") { _ in .response(status: 404) }
            server.on("/meta/1.0/index-system.7") { _ in .response(status: 404) }
            let offline = try await create(host, server, words)
            try offline.result.succeeded()
            #expect(offline.result.errors.contains("the server cannot be asked"))
        }
    }

    @Test("of this project's own tree is bound to the name of the image, for a stock nginx as well")
    func ownTree() async throws {
        let site = try await Site()
        let tree = try await site.publish(SyntheticImage())
        let root = try SignedFile(
            reading: try read(site.tree.appending(TreePath.root(1))),
            kind: .root,
            subject: "root"
        )
        let document = try RootDocument(verified: root.payload, subject: "root")
        let key = try document.keys(of: .release).fingerprints[0]
        let keyring = ScratchDirectory.path.appending("keys.asc")
        try write(document.publicKeys.joined(separator: "\n").utf8, to: keyring)
        let plain = site.top.appending("plain")
        try await Programs.shell(
            "cp -a \"$1\" \"$2\"; rm -rf \"$2/rootcellar\" \"$2/.rootcellar\"; chmod 755 \"$2\" \"$3\" \"$4\"",
            site.tree.string,
            plain.string,
            ScratchDirectory.path.string,
            site.top.string
        )
        let scratch = ScratchDirectory.path.appending("nginx")
        try makeDirectory(scratch)
        try await NginxServer.run(over: plain, in: scratch) { server in
            let host = try ClientHost()
            let words = [
                "--keyid", key.hex, "--keyring", keyring.string, "--ca", server.authority.string,
            ]
            let address = "localhost:\(server.port)"
            let creation = try await host.download(address, Self.image, words)
            try creation.result.succeeded()
            #expect(!creation.result.errors.contains("nothing signed says"))
            let bulk = "./usr/share/bulk"
            #expect(try await creation.snapshot().entries[bulk] == Snapshot(tree).entries[bulk])
            let explained = try await host.run(["explain", Self.image, "--server", address] + words).succeeded()
            for fact in [key.hex, "by its signed description", "is in the cache"] {
                #expect(explained.output.contains(fact), "\(fact)")
            }
            // Checksums that were there once may not be hidden.
            try await Programs.shell("rm $(find \"$1\" -name SHA256SUMS)", plain.string)
            let hidden = try await host.download(address, Self.image, words + ["--flush-cache"])
            #expect(hidden.result.status == 11, "\(hidden.result.errors)")
            #expect(hidden.result.errorLine?.contains("checksums are missing") == true)
        }
    }

    @Test("is refused for a key id that is no fingerprint, a key that is not here, and no word at all")
    func words() async throws {
        try await withTree { tree, server, host in
            let cases: [([String], String)] = [
                (["--keyid", "0xBAEFF88C22F6E216"], "give all 40 or 64 hex digits"),
                (["--keyid", tree.fingerprint], "no key server is ever asked"),
                (
                    ["--keyid", String(repeating: "A", count: 40), "--keyring", tree.keyring.string],
                    "does not have the key"
                ),
                ([], "rootcellar trust add"),
            ]
            for (words, what) in cases {
                let creation = try await create(host, server, words)
                #expect(creation.result.status == 20, "\(words): \(creation.result.errors)")
                #expect(creation.result.errorLine?.contains(what) == true, "\(words): \(creation.result.errors)")
                #expect(try creation.isUntouched)
            }
            #expect(server.requests.isEmpty)
        }
    }

    /// What an attacker may do to a signed tree, and the class it ends in.
    enum Attack: String, CaseIterable {
        case otherKey, clearsigned, inlineSigned, oldSignatureWithText, noSignature, changedIndex, changedRootfs
        case changedMetadata, otherProduct, redirectToHTTP, pathElsewhere, loginPage
    }

    @Test("is refused whatever is done to its signatures, and nothing of it is kept", arguments: Attack.allCases)
    func attacks(_ attack: Attack) async throws {
        let names = ["example/one/amd64/default", "example/two/amd64/default"]
        try await withTree(names) { tree, server, host in
            let rootfs = tree.build().appending("rootfs.tar.xz")
            let signature = FilePath(rootfs.string + ".asc")
            let index = tree.directory.appending("meta/1.0/index-system")
            let line = "example;one;amd64;default;\(tree.serial);/images/example/one/amd64/default/\(tree.serial)/\n"
            var status = 11
            switch attack {
            case .otherKey:
                let other = ScratchDirectory.path.appending("o")
                _ = try await SignedTree.makeKey(other, ScratchDirectory.path.appending("other.asc"))
                try await Programs.shell(
                    "gpg --homedir $1 --batch --yes -q -a -b $2; gpgconf --homedir $1 --kill all",
                    other.string,
                    rootfs.string
                )
            case .clearsigned:
                // An old client took this for a signature of whatever lay beside it.
                try write("evil\n".utf8, to: index)
                try await tree.gpg("--clearsign", "--output", index.string + ".asc", rootfs.string + ".asc")
            case .inlineSigned:
                try write((line + "x\n").utf8, to: index)
                try await tree.gpg("--armor", "--sign", "--output", index.string + ".asc", signature.string)
            case .oldSignatureWithText:
                try await tree.gpg("--textmode", "--armor", "--detach-sign", rootfs.string)
            case .noSignature: try await Programs.shell("rm \"$1\"", signature.string)
            case .changedIndex: try write((line + line.replacing("one", with: "six")).utf8, to: index)
            case .changedRootfs, .changedMetadata:
                let path = attack == .changedRootfs ? rootfs : tree.build().appending("meta.tar.xz")
                var bytes = try read(path)
                bytes[bytes.count / 2] ^= 1
                try write(bytes, to: path)
            case .otherProduct:
                // The format itself cannot tell: only the checksums of a build bind its files to each other.
                let other = tree.build("example/two/amd64/default")
                for path in [tree.build(), other] {
                    try await Programs.shell("cd $1; sha256sum meta.tar.xz rootfs.tar.xz > SHA256SUMS", path.string)
                    try await tree.sign(path.appending("SHA256SUMS"))
                }
                try await Programs.shell("cp $1/rootfs.tar.xz* $2", other.string, tree.build().string)
                status = 16
            case .redirectToHTTP:
                server.on("/images/example/one/amd64/default/\(tree.serial)/rootfs.tar.xz") { _ in
                    .response(status: 302, ["Location: http://localhost:1/rootfs.tar.xz"])
                }
                status = 10
            case .pathElsewhere:
                try write(line.replacing("/amd64/default/", with: "/amd64/other/").utf8, to: index)
                try await tree.sign(index)
                status = 14
            case .loginPage: try write("<html>Please log in</html>".utf8, to: index)
            }
            let words = ["--keyid", tree.fingerprint, "--keyring", tree.keyring.string]
            let creation = try await create(host, server, words)
            #expect(creation.result.status == status, "\(creation.result.errors)")
            let warnings = creation.result.errors.split(separator: "\n")
            #expect(warnings.last?.hasPrefix("rootcellar: ") == true)
            #expect(try creation.isUntouched)
            let objects = try await host.cacheFiles().filter { $0.hasPrefix("objects/") }
            let metadata = try SHA256Digest(hashing: read(tree.build().appending("meta.tar.xz"))).description
            #expect(objects.allSatisfy { $0.hasSuffix(metadata) }, "\(objects)")
            if attack == .loginPage { #expect(creation.result.errors.contains("login")) }
        }
    }

    @Test("that was signed once is never taken unsigned, and never older than it was")
    func memory() async throws {
        try await withTree { tree, server, host in
            let words = ["--keyid", tree.fingerprint, "--keyring", tree.keyring.string]
            try await create(host, server, words).result.succeeded()
            for weaker in ["--no-validate", "--simplestreams"] {
                let creation = try await create(host, server, [weaker])
                #expect(creation.result.status == 20, "\(creation.result.errors)")
                #expect(creation.result.errors.contains("were signed by \(tree.fingerprint) before"))
                #expect(try creation.isUntouched)
            }
            try await tree.writeIndex([("example/one/amd64/default", "20200101_00:00")])
            let old = try await create(host, server, words)
            #expect(old.result.status == 12, "\(old.result.errors)")
            #expect(try old.isUntouched)
        }
    }

    @Test("that signs nothing is used only with --no-validate, with a warning every time, and never cached")
    func unverified() async throws {
        try await withTree { tree, server, host in
            try await Programs.shell("find \"$1\" -name '*.asc' -delete", tree.directory.string)
            for _ in 0..<2 {
                let creation = try await create(host, server, ["--no-validate"])
                try creation.result.succeeded()
                #expect(creation.result.errors.contains("warning: NOBODY VOUCHES FOR THIS IMAGE"))
                #expect(exists(creation.rootfs.appending("usr/share/bulk")))
                #expect(try await host.cacheFiles().filter { !$0.hasPrefix("locks/") } == [])
            }
            #expect(server.count("/images/example/one/amd64/default/\(tree.serial)/rootfs.tar.xz") == 2)
            let plain = try await create(host, server, [])
            #expect(plain.result.status == 20)
            #expect(try plain.isUntouched)
        }
    }

    @Test("is listed and explained like any other")
    func listed() async throws {
        try await withTree(["example/one/amd64/default", "example/two/arm64/tiny"]) { tree, server, host in
            let words = [
                "--server", server.authority, "--ca", server.caFile, "--keyring", tree.keyring.string,
            ]
            let list = try await host.run(["list", "-r", "two"] + words).succeeded()
            #expect(list.output.contains("example  two      arm64  tiny     \(tree.serial)"), "\(list.output)")
            #expect(!list.output.contains("amd64"))
            let json = try await host.run(["download", "--list", "--json"] + words).succeeded()
            #expect(json.output.hasPrefix("{"))
            let explained = try await host.run(["explain", "example", "two", "arm64", "tiny"] + words).succeeded()
            #expect(explained.output.contains(tree.fingerprint))
            let wrong = try await create(host, server, Array(words.dropFirst(4)), image: "exampel/one/amd64")
            #expect(wrong.result.status == 20)
            #expect(wrong.result.errors.contains("did you mean 'example'?"), "\(wrong.result.errors)")
            #expect(wrong.result.output.contains("ERROR: Couldn't find a matching image\n"))
        }
    }

    @Test("of the simplestreams kind is believed for its hashes, before anything is unpacked")
    func simplestreams() async throws {
        let top = ScratchDirectory.path.appending("s")
        let source = top.appending("image")
        try makeDirectory(top.appending("tree/streams/v1"))
        try await SyntheticImage().write(to: source)
        try await Programs.shell("cp \"$1/rootfs.tar.xz\" \"$2\"", source.string, top.appending("tree").string)
        let rootfs = try read(top.appending("tree/rootfs.tar.xz"))
        func publish(_ serial: String, sha256: String, size: Int) throws {
            try write(
                """
                {"format":"index:1.0","index":{"images":{"datatype":"image-downloads","path":"streams/v1/images.json",
                 "products":["example:one:amd64:default"]},"ids":{"datatype":"image-ids","path":"streams/v1/ids.json"}}}
                """.utf8,
                to: top.appending("tree/streams/v1/index.json")
            )
            try write(
                """
                {"format":"products:1.0","content_id":"images","products":{"example:one:amd64:default":{"arch":"amd64",
                 "os":"Example","release":"one","aliases":"example/one","versions":{"20200101_0000":{"items":{}},
                 "\(serial)":{"items":{
                 "lxd.tar.xz":{"ftype":"lxd.tar.xz","path":"lxd.tar.xz","size":1,"sha256":"00"},
                 "root.tar.xz":{"ftype":"root.tar.xz","path":"rootfs.tar.xz","size":\(size),"sha256":"\(sha256)"}}}}}}}
                """.utf8,
                to: top.appending("tree/streams/v1/images.json")
            )
        }
        try await HostileServer.with { server in
            server.serve(directory: top.appending("tree"))
            let host = try ClientHost()
            let good = SHA256Digest(hashing: rootfs).description
            try publish("20260101_0000", sha256: String(good.reversed()), size: rootfs.count)
            let bad = try await create(host, server, ["--simplestreams"])
            #expect(bad.result.status == 16, "\(bad.result.errors)")
            #expect(try bad.isUntouched)
            try publish("20260101_0000", sha256: good, size: rootfs.count + 1)
            #expect(try await create(host, server, ["--simplestreams"]).result.status == 15)
            try publish("20260101_0000", sha256: good, size: rootfs.count)
            let creation = try await create(host, server, ["--simplestreams"])
            try creation.result.succeeded()
            #expect(exists(creation.rootfs.appending("usr/share/bulk")))
            #expect(try text(creation.config).contains("lxc.include = /usr/share/lxc/config/common.conf"))
            let before = server.count("/rootfs.tar.xz")
            try await create(host, server, ["--simplestreams"]).result.succeeded()
            #expect(server.count("/rootfs.tar.xz") == before)
            try publish("20250101_0000", sha256: good, size: rootfs.count)
            #expect(try await create(host, server, ["--simplestreams"]).result.status == 12)
            #expect(try await host.strangeCacheFiles() == [])
        }
    }
}
