// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// An archive of Debian's form on a server of a company's own: its own key, its own certificate authority; and the same
/// server when it lies.
@Suite("An archive of packages", .scratchDirectory)
struct PackageArchiveTests {
    private struct Run {
        let server: HostileServer
        let archive: PackageArchive
        private var etc: FilePath { ScratchDirectory.path.appending("etc") }
        var tree: FilePath { ScratchDirectory.path.appending("tree") }

        /// Builds; a failure must leave nothing but its log.
        ///
        /// - Parameters: settings: lines of the configuration beside the authority of the server.
        func build(
            _ settings: String,
            source: String,
            more: String = "",
            _ words: String...
        ) async throws
            -> ProgramResult
        {
            try makeDirectory(etc)
            try write("ca = \(server.caFile)\n\(settings)\n".utf8, to: etc.appending("rootcellar.conf"))
            let definition = try SmallSystem.writeDefinition(
                "mappings:\n  architecture_map: debian\n\(more)\n\(SmallSystem.noPackages)",
                source: source
            )
            try await Programs.shell("rm -rf \"$1\" \"$1.log\"", tree.string)
            let result = try await runProgram(
                Programs.directory.appending("rootcellar").string,
                ["build-dir", definition.string, tree.string, "-o", "image.release=\(PackageArchive.suite)"] + words,
                environment: ["ROOTCELLAR_ETC": etc.string, "XDG_CACHE_HOME": etc.string]
            )
            if result.status != 0 { #expect(!exists(tree)) }
            let left = try await Programs.shell(
                "ls -A \"$1\" | grep rootcellar-build || true",
                ScratchDirectory.path.string
            )
            #expect(left == "", "\(left)")
            try await Programs.shell("rm -rf \"$1/rootcellar\"", etc.string)
            return result
        }

        func isRefused(_ result: ProgramResult, _ what: String, _ word: String = "") {
            #expect(result.status == 31, "\(what): \(result.errors)")
            let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("rootcellar: SOURCE: ") }
            #expect(lines.count == 1 && result.errors.contains(word), "\(what): \(result.errors)")
        }
    }

    /// The archive, and a key of somebody else.
    private func make() async throws -> (archive: PackageArchive, other: String, home: FilePath) {
        try await Forger(strangerIn: "g").using { forger in
            let archive = try await PackageArchive.make(in: ScratchDirectory.path.appending("archive"), forger)
            let other = try await forger.makeKey("Other <other@example>")
            let file = ScratchDirectory.path.appending("mirror.gpg")
            _ = try await forger.gpg(["--output", file.string, "--export", "Archive"])
            try write(archive.key.utf8, to: ScratchDirectory.path.appending("mirror.asc"))
            let block = try await forger.gpg(["--armor", "--export", other])
            try write(block.utf8, to: ScratchDirectory.path.appending("other.asc"))
            return (archive, other, forger.home)
        }
    }

    @Test("of a mirror that signs itself is taken by the key that the configuration names for it, and by no other")
    func mirrorKey() async throws {
        let archive = try await make().archive
        try await HostileServer.with { server in
            server.serve(directory: archive.directory)
            let run = Run(server: server, archive: archive)
            let mirror = "mirror.small = \(server.url)"
            func key(_ name: String) -> String { "mirror-key.small = \(ScratchDirectory.path.appending(name))" }
            for name in ["mirror.asc", "mirror.gpg"] {
                let result = try await run.build("\(mirror)\n\(key(name))", source: archive.source())
                #expect(result.status == 0, "\(name): \(result.errors)")
            }
            #expect(try text(run.tree.appending("etc/configured")) == "configured\n")
            let list = try text(run.tree.appending("etc/apt/sources.list"))
            #expect(list == "deb \(server.url) small main\n")
            #expect(try directoryNames(run.tree.appending("etc/apt/apt.conf.d")) == [])
            let option = try await run.build(
                mirror,
                source: archive.source(),
                "--mirror-key",
                ScratchDirectory.path.appending("mirror.asc").string
            )
            #expect(option.status == 0, "\(option.errors)")
            // Beside the definition's, whoever's they are.
            let other = try text(ScratchDirectory.path.appending("other.asc"))
            let both = try await run.build("\(mirror)\n\(key("mirror.asc"))", source: archive.source(key: other))
            #expect(both.status == 0, "\(both.errors)")

            run.isRefused(try await run.build(mirror, source: archive.source()), "no key")
            run.isRefused(
                try await run.build("\(mirror)\n\(key("other.asc"))", source: archive.source()),
                "another key"
            )
            run.isRefused(
                try await run.build("\(mirror)\n\(key("none.asc"))", source: archive.source()),
                "no such file",
                "none.asc"
            )
            run.isRefused(
                try await run.build("\(mirror)\n\(key("definition.yaml"))", source: archive.source()),
                "no keys",
                "definition.yaml"
            )
            // An archive that the definition names is not the configured one.
            run.isRefused(
                try await run.build(
                    "\(mirror)\n\(key("mirror.asc"))",
                    source: archive.source(url: server.url, key: other)
                ),
                "the definition's own archive"
            )
        }
    }

    @Test("that lies is refused, and nothing is left")
    func attacks() async throws {
        let (archive, other, home) = try await make()
        try await HostileServer.with { server in
            server.serve(directory: archive.directory)
            let run = Run(server: server, archive: archive)
            let source = archive.source(url: server.url, key: archive.key)
            let architecture = try await Programs.shell("dpkg --print-architecture").trimming()
            let files = ["pool/base_1_\(architecture).deb", "dists/small/main/binary-\(architecture)/Packages"]
            for file in files {
                let bytes = try read(archive.directory.pushing(FilePath(file)))
                var changed = bytes
                changed[bytes.count / 2] ^= 1
                let tampered = changed
                server.on("/\(file)") { .content(tampered, for: $0) }
                run.isRefused(try await run.build("", source: source), "tampered \(file)")
                server.on("/\(file)") { _ in .response(body: bytes, cut: bytes.count / 2) }
                run.isRefused(try await run.build("", source: source), "truncated \(file)")
                server.on("/\(file)") { _ in .response(status: 404) }
                run.isRefused(try await run.build("", source: source), "no \(file)")
                server.on("/\(file)") { _ in .redirect(to: "http://\(server.authority)/elsewhere") }
                run.isRefused(try await run.build("", source: source), "\(file) by http")
                server.remove("/\(file)")
            }
            server.on("/dists/small/InRelease") { _ in .response(status: 404) }
            run.isRefused(try await run.build("", source: source), "missing signature")
            server.remove("/dists/small/InRelease")
            try await archive.sign(by: other, home)
            run.isRefused(try await run.build("", source: source), "wrong signer")
            // Whoever takes it all the same has no image whose apt does so for ever.
            let skipped = try await run.build(
                "",
                source: "\(archive.source(url: server.url))\n  skip_verification: true"
            )
            #expect(skipped.status == 0, "\(skipped.errors)")
            #expect(try directoryNames(run.tree.appending("etc/apt/apt.conf.d")) == [])
        }
    }
}
