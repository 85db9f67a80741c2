// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Real builds of Debian beside the one that `DebianTests` boots. `ROOTCELLAR_SOAK` adds architectures.
@Suite("Debian, built for real", .scratchDirectory)
struct DebianBuildTests {
    /// An image of another architecture, and what its programs take the machine for.
    struct Other: Sendable, CustomTestStringConvertible {
        var release = "bookworm"
        var architecture: String
        var machine: String
        var testDescription: String { architecture }

        static let usual = [Other(architecture: "arm64", machine: "aarch64")]
        static let soak = [
            Other(architecture: "i386", machine: "i686"), Other(architecture: "armhf", machine: "armv7l"),
            Other(release: "trixie", architecture: "riscv64", machine: "riscv64"),
        ]
        static var wanted: [Other] {
            ProcessInfo.processInfo.environment["ROOTCELLAR_SOAK"] == nil ? usual : usual + soak
        }
    }

    private var image: FilePath { ScratchDirectory.path.appending("image") }

    private func document() throws -> ImageDocument {
        let path = image.appending(ImageDocument.fileName)
        return try ImageDocument(verified: try read(path), subject: path.string)
    }

    @Test("of every release boots", .timeLimit(.minutes(60)), arguments: ["trixie", "bullseye"])
    func release(_ release: String) async throws {
        let architecture = try await Programs.shell("dpkg --print-architecture").trimming()
        try await Programs.rootcellar(
            "build",
            DebianImage.definition.string,
            "-o",
            "image.release=\(release)",
            "-o",
            "image.architecture=\(architecture)",
            "--output",
            image.string,
            "--no-cache"
        ).succeeded()
        #expect(try document().name().path == "debian/\(release)/\(architecture)/default")
        #expect(try document().taints == [])
        let version = try await Programs.shell("tar -xOf \"$1/rootfs.tar.zst\" ./usr/lib/os-release", image.string)
        #expect(version.contains("VERSION_CODENAME=\(release)\n"), "\(version)")
        let result = try await testImage(image, "--only", "lxc")
        let log = try text(image.appending("test.log"))
        #expect(result.status == 0, "\(result.errors)\n\(log.suffix(6000))")
        #expect(try testReport(image).outcomes["lxc"] == .passed)
    }

    @Test(
        "for another processor, on a machine that has no rule for its programs and gets none",
        .timeLimit(.minutes(60)),
        arguments: Other.wanted
    )
    func foreign(_ other: Other) async throws {
        let own = try await Programs.shell("dpkg --print-architecture").trimming()
        // Where the usual one is the machine's own, its neighbour is as foreign.
        let wanted = other.architecture == own ? Other(architecture: "armhf", machine: "armv7l") : other
        let rules = try await Programs.shell("ls /proc/sys/fs/binfmt_misc")
        let definition = try MinimalDebian.definition(
            """
            actions:
            - trigger: post-packages
              action: |-
                #!/bin/sh
                uname -m >/etc/machine-of-the-build
            """,
            release: wanted.release,
            isUpdated: false
        )
        try await Programs.rootcellar(
            "build",
            definition.string,
            "-o",
            "image.architecture=\(wanted.architecture)",
            "--output",
            image.string,
            "--no-cache"
        ).succeeded()
        #expect(try document().architecture == wanted.architecture)
        #expect(try document().packages.contains { $0.name == "dash" && $0.architecture == wanted.architecture })
        for file in ["rootfs.tar.xz", "rootfs.squashfs", "meta.tar.xz", "incus.tar.xz", "sbom.spdx.json"] {
            #expect(try document().files[file] != nil, "\(file)")
        }
        let seen = try await Programs.shell("tar -xOf \"$1/rootfs.tar.zst\" ./etc/machine-of-the-build", image.string)
        #expect(seen == "\(wanted.machine)\n")
        #expect(try await Programs.shell("ls /proc/sys/fs/binfmt_misc") == rules)
    }
}
