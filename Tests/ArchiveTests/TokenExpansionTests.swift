// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("Tokens in an image's files", .scratchDirectory)
struct TokenExpansionTests {
    private let tokens = TokenExpansion(["LXC_NAME": "web", "LXC_ROOTFS": "/r", "LXC_PATH": "/p"])

    @Test(
        "are replaced as whole words only",
        arguments: [
            ("LXC_NAME", "web"), ("127.0.1.1\tLXC_NAME\n", "127.0.1.1\tweb\n"),
            ("LXC_ROOTFS_MOUNT", "LXC_ROOTFS_MOUNT"),
            ("MY_LXC_NAME", "MY_LXC_NAME"), ("LXC_NAMELXC_PATH", "LXC_NAMELXC_PATH"), ("LXC_ROOTFS/x", "/r/x"),
            ("", ""),
        ]
    )
    func words(_ text: String, _ expanded: String) {
        #expect(String(decoding: tokens.expand(Array(text.utf8)), as: UTF8.self) == expanded)
    }

    @Test(
        "never reach a file outside the rootfs or through a link",
        arguments: [
            "../outside", "link/outside", "/link/outside", "direct", "hard", "directory", "a/../../outside",
        ]
    )
    func confined(_ path: String) async throws {
        let directory = ScratchDirectory.path
        let script = """
            cd '\(directory)'; echo LXC_NAME >outside; mkdir root root/directory
            ln -s .. root/link; ln -s ../outside root/direct; ln outside root/hard
            """
        _ = try await runProgram("sh", ["-c", script])
        let root = try FileDescriptor.open(directory.appending("root"), .readOnly, options: .directory)
        defer { try? root.close() }
        #expect(throws: RootcellarError.self) { try tokens.expandFile(path, in: root) }
        let outside = try await runProgram("cat", [directory.appending("outside").string])
        #expect(outside.output == "LXC_NAME\n")
    }

    @Test("are replaced in a plain file, whose owner and mode stay")
    func plain() async throws {
        let directory = ScratchDirectory.path
        let script =
            "cd '\(directory)'; mkdir -p root/etc; echo LXC_NAME >root/etc/hostname; chmod 640 root/etc/hostname; chown 3:4 root/etc/hostname"
        _ = try await runProgram("sh", ["-c", script])
        let root = try FileDescriptor.open(directory.appending("root"), .readOnly, options: .directory)
        defer { try? root.close() }
        try tokens.expandFile("/etc/hostname", in: root)
        try tokens.expandFile("/etc/missing", in: root)
        let shown = try await runProgram(
            "sh",
            ["-c", "cd '\(directory)/root/etc'; cat hostname; stat -c '%a %u %g' hostname; ls"]
        )
        #expect(shown.output == "web\n640 3 4\nhostname\n")
    }
}
