// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// A build inside a container: its proc has covered files, its ids are not the machine's, it may not make devices. In a chroot the
/// kernel refuses most of what a build is made of.
@Suite("A build inside a container or a chroot", .scratchDirectory)
struct NestedBuildTests {
    @Test("of either kind has the same bytes as one outside", .timeLimit(.minutes(60)))
    func sameBytes() async throws {
        let system = try await SmallSystem.make()
        let definition = try system.definition(
            """
            \(SmallSystem.noPackages)
            \(SmallSystem.forLXC)
            actions:
            - trigger: post-packages
              action: |-
                #!/bin/sh
                # What a container has to grant: processes of one's own, devices, another owner.
                cat /proc/self/status >/dev/null
                echo text >/dev/null
                touch /etc/owned
            """
        )
        let outside = ScratchDirectory.path.appending("outside")
        try await Programs.rootcellar("build", definition.string, "--output", outside.string, "--no-cache").succeeded()
        let script = FilePath(#filePath).removingLastComponent().appending("Scripts/nested")
        let work = ScratchDirectory.path.appending("work")
        try makeDirectory(work)
        let result = try await runProgram(
            "unshare",
            [
                "-m", "bash", script.string, work.string, Programs.directory.string, definition.string,
                system.tar.string, outside.appending("rootfs.tar.zst").string,
            ]
        )
        #expect(result.status == 0, "\(result.output.suffix(2000))\n\(result.errors.suffix(4000))")
    }
}
