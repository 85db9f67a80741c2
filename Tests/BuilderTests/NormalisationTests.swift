// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("What belongs to the building machine", .scratchDirectory)
struct NormalisationTests {
    @Test("is taken away, and nothing else")
    func rules() throws {
        let root = ScratchDirectory.path
        let rootfs = try RootfsDirectory(root)
        for (rule, path, _) in MachineState.rules {
            let isDirectory = rule == .empty
            try rootfs.write(isDirectory ? "\(path)/something" : path, Array("of the builder".utf8))
        }
        let kept = ["/etc/passwd", "/etc/ssh/sshd_config", "/usr/lib/python3.11/os.py", "/var/lib/dpkg/status"]
        for path in kept { try rootfs.write(path, Array("kept".utf8)) }
        let gone = [
            "/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ed25519_key.pub",
            "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc",
            "/usr/lib/python3/dist-packages/deep/er/__pycache__/x.pyc",
        ]
        for path in gone { try rootfs.write(path, Array("gone".utf8)) }
        try rootfs.write("/etc/shadow", Array("root:*:20000:0:99999:7:::\nnew:!:29999:0:99999:7:::\n".utf8))
        try MachineState.normalise(rootfs, epoch: Timestamp(seconds: 20500 * 86400))
        for (rule, path, _) in MachineState.rules {
            switch rule {
            case .remove: #expect(!rootfs.exists(path), "\(path)")
            case .truncate, .makeEmpty: #expect(try rootfs.read(path) == [], "\(path)")
            case .empty:
                #expect(rootfs.names(path).isEmpty, "\(path)")
                #expect(rootfs.exists(path), "\(path)")
            }
        }
        for path in kept { #expect(rootfs.exists(path), "\(path)") }
        for path in gone { #expect(!rootfs.exists(path), "\(path)") }
        #expect(
            try rootfs.read("/etc/shadow").map { String(decoding: $0, as: UTF8.self) }
                == "root:*:20000:0:99999:7:::\nnew:!:20500:0:99999:7:::\n"
        )
    }

    @Test("every rule has one reason and no path has two rules")
    func table() {
        #expect(Set(MachineState.rules.map(\.path)).count == MachineState.rules.count)
        #expect(MachineState.rules.allSatisfy { !$0.reason.isEmpty && $0.path.hasPrefix("/") })
    }
}
