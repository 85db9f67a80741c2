// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Real builds of Debian beside the one that `DebianTests` boots.
@Suite("Debian, built for real", .scratchDirectory, .serialized, .timeLimit(.minutes(60)))
struct DebianBuildTests {
    private func image(
        _ definition: FilePath,
        _ overrides: [String],
        _ more: String...
    ) async throws -> (path: FilePath, document: ImageDocument, log: String) {
        let path = ScratchDirectory.path.appending("image-\(overrides.last ?? "")")
        let options = overrides.flatMap { ["-o", $0] } + ["--output", path.string] + more
        let result = try await runProgram(
            Programs.directory.appending("rootcellar").string,
            ["build", definition.string] + options
        ).succeeded()
        return (path, try ImageDocument(verified: try read(path.appending("image.json")), subject: ""), result.errors)
    }

    private func member(_ name: String, of image: FilePath) async throws -> String {
        try await Programs.shell("tar -xOf \"$1/rootfs.tar.zst\" \"./$2\"", image.string, name)
    }

    private func nativeArchitecture() async throws -> String {
        try await Programs.shell("dpkg --print-architecture").trimming()
    }

    /// The machine has no rule for such programs and gets none.
    @Test("for another processor, on a machine that was not prepared for it")
    func foreign() async throws {
        let isForeign = try await nativeArchitecture() != "arm64"
        let architecture = isForeign ? "arm64" : "armhf"
        let rules = try await Programs.shell("ls /proc/sys/fs/binfmt_misc")
        let definition = ScratchDirectory.path.appending("definition.yaml")
        try write(
            """
            image:
              distribution: debian
              release: bookworm
            source:
              downloader: debootstrap
              variant: minbase
            mappings:
              architecture_map: debian
            packages:
              manager: apt
              cleanup: true
            targets:
              lxc:
                config:
                - type: all
                  content: lxc.include = LXC_TEMPLATE_CONFIG/common.conf
            actions:
            - trigger: post-packages
              action: |-
                #!/bin/sh
                uname -m >/etc/machine-of-the-build

            """.utf8,
            to: definition
        )
        let (path, document, _) = try await image(definition, ["image.architecture=\(architecture)"])
        #expect(document.architecture == architecture)
        #expect(try await member("etc/machine-of-the-build", of: path) == (isForeign ? "aarch64\n" : "armv7l\n"))
        #expect(document.packages.contains { $0.name == "dash" && $0.architecture == architecture })
        #expect(try await Programs.shell("ls /proc/sys/fs/binfmt_misc") == rules)
    }
}
