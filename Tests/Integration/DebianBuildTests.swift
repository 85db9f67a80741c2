// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Real builds of Debian beside the one that `DebianTests` boots.
@Suite("Debian, built for real", .scratchDirectory)
struct DebianBuildTests {
    @Test(
        "for another processor, on a machine that has no rule for its programs and gets none",
        .timeLimit(.minutes(60))
    )
    func foreign() async throws {
        let isARM = try await Programs.shell("dpkg --print-architecture").trimming() == "arm64"
        let (architecture, machine) = isARM ? ("armhf", "armv7l") : ("arm64", "aarch64")
        let rules = try await Programs.shell("ls /proc/sys/fs/binfmt_misc")
        let definition = try MinimalDebian.definition(
            """
            actions:
            - trigger: post-packages
              action: |-
                #!/bin/sh
                uname -m >/etc/machine-of-the-build
            """
        )
        let image = ScratchDirectory.path.appending("image")
        try await Programs.rootcellar(
            "build",
            definition.string,
            "-o",
            "image.architecture=\(architecture)",
            "--output",
            image.string
        ).succeeded()
        let path = image.appending(ImageDocument.fileName)
        let document = try ImageDocument(verified: try read(path), subject: path.string)
        #expect(document.architecture == architecture)
        #expect(document.packages.contains { $0.name == "dash" && $0.architecture == architecture })
        let seen = try await Programs.shell("tar -xOf \"$1/rootfs.tar.zst\" ./etc/machine-of-the-build", image.string)
        #expect(seen == "\(machine)\n")
        #expect(try await Programs.shell("ls /proc/sys/fs/binfmt_misc") == rules)
    }
}
