// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The confined unpacker", .scratchDirectory)
struct ConfinementTests {
    private static let program = Programs.directory.appending("rootcellar-unpack").string

    @Test(
        "can do nothing but its work: every other system call that is tried is refused",
        arguments: ["decode", "extract", "clone"]
    )
    func systemCalls(_ use: String) async throws {
        // It may not make a file longer, so its output has to be a pipe.
        let output = try await Programs.shell(
            "mkdir \"$2/root\"; \"$1\" probe \"$3\" 3<\"$2/root\" | cat",
            Self.program,
            ScratchDirectory.path.string,
            use
        )
        let lines = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.count > 20)
        for name in ["socket", "socket-unix", "execve", "ptrace", "clone", "mount", "chroot", "kill", "bpf"] {
            #expect(lines.contains { $0[0] == name }, "\(name) was not tried")
        }
        for line in lines {
            // EPERM: the filter's answer, which comes before the kernel looks at anything else.
            #expect(line.count == 2 && line[1] == "1", "\(line)")
        }
    }

    @Test(
        "has given up capabilities, network, descriptors and limits before it reads a byte",
        arguments: ["decode", "extract"]
    )
    func state(_ use: String) async throws {
        let words = use == "decode" ? "decode zstd 1000" : "extract --entries 1 --bytes 0"
        // The pipe stays open and empty meanwhile: the process waits for its first byte.
        let script = """
            mkdir "$2/root"; mkfifo "$2/pipe"; sleep 60 > "$2/pipe" & s=$!
            "$1" \(words) <"$2/pipe" 3<"$2/root" >/dev/null 2>&1 & p=$!
            for i in $(seq 100); do grep -q '^Seccomp:.*2' /proc/$p/status 2>/dev/null && break; sleep 0.05; done
            cat /proc/$p/status; cat /proc/$p/limits; ls /proc/$p/fd | tr '\\n' ' '; echo
            readlink /proc/$p/ns/net /proc/self/ns/net | uniq | wc -l; readlink /proc/$p/root
            kill $p $s
            """
        let output = try await Programs.shell(script, Self.program, ScratchDirectory.path.string)
        func field(_ name: String) -> String {
            output.split(separator: "\n").first { $0.hasPrefix(name) }.map { $0.dropFirst(name.count).trimming() } ?? ""
        }
        #expect(field("Seccomp:") == "2", "\(output)")
        #expect(field("NoNewPrivs:") == "1")
        #expect(field("Threads:") == "1")
        // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP (capability.h), or nothing.
        let kept = use == "decode" ? "0000000000000000" : "000000008000001b"
        for set in ["CapPrm:", "CapEff:", "CapBnd:"] { #expect(field(set) == kept, "\(set)") }
        #expect(field("CapInh:") == "0000000000000000")
        #expect(field("Max cpu time").hasPrefix("1800"))
        #expect(field("Max address space").hasPrefix("805306368"))
        #expect(field("Max file size").hasPrefix(use == "decode" ? "1000" : "0"))
        #expect(field("Max core file size").hasPrefix("0"))
        #expect(field("Max open files").hasPrefix(use == "decode" ? "16" : "32"))
        let rest = output.split(separator: "\n").suffix(3).map { $0.trimming() }
        #expect(rest[0] == "0 1 2 3", "\(rest)")
        if use == "extract" {
            #expect(rest[1] == "2", "the network is the caller's")
            #expect(rest[2].hasSuffix("/root"), "\(rest)")
        }
    }

    @Test("28: is stopped by its own limit where an xz file wants a dictionary of gigabytes")
    func dictionary() async throws {
        // xz(1) writes what it is told; so small a file never uses so big a dictionary, but a decoder makes room for it.
        let script = """
            echo small | xz --format=xz --lzma2=preset=0,dict=1536MiB --memlimit-compress=0 > "$2/file" 2>/dev/null
            "$1" decode xz 1000 <"$2/file" >/dev/null 2>"$2/errors" || echo $?
            cat "$2/errors"
            """
        let output = try await Programs.shell(script, Self.program, ScratchDirectory.path.string)
        #expect(output.hasPrefix("17\n"), "\(output)")
        #expect(output.contains("ARCHIVE: "))
    }
}
