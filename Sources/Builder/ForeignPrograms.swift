// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
package import Model
import SystemPackage

/// Programs of other processors, which the kernel hands to qemu-user (binfmt_misc).
///
/// Where the machine has no such rule, a build in a user namespace of its own makes one for itself alone, in its own
/// table: so neither root is needed, nor is anything changed on the machine.
package enum ForeignPrograms {
    private static let table: FilePath = "/proc/sys/fs/binfmt_misc"

    /// Debian's name of the architecture that this program was compiled for.
    static var native: String {
        #if arch(x86_64)
        "amd64"
        #elseif arch(arm64)
        "arm64"
        #else
        ""
        #endif
    }

    /// Whether programs of an architecture run here as things are: by the processor, or by a rule that is there.
    ///
    /// - Throws: `POLICY` if arch-test(1), which has a program of each architecture to try, is not installed.
    package static func areExecutable(_ architecture: String) throws(RootcellarError) -> Bool {
        if architecture == native { return true }
        let tester = try HostProgram.require("arch-test", package: "arch-test")
        return HostProgram.capture(tester, [architecture], environment: ["PATH": HostProgram.searchPath]) != nil
    }

    /// Makes programs of an architecture executable for this build, if they are not.
    ///
    /// - Throws: `POLICY` if that cannot be done, with what to install.
    static func prepare(_ architecture: String) throws(RootcellarError) {
        guard try !areExecutable(architecture) else { return }
        guard let emulator = Emulator(architecture) else {
            throw refused(architecture, "there is no emulator for it")
        }
        guard let program = emulator.program else {
            throw refused(architecture, "install the package 'qemu-user-static'")
        }
        guard unsafe table.withPlatformString({ unsafe clinux_mount_binary_formats($0) }) == 0,
            (try? writeFile(table.appending("register"), Array(emulator.rule(program).utf8))) != nil,
            try areExecutable(architecture)
        else {
            throw refused(
                architecture,
                "build with --rootless, for which Linux 6.7 is needed; or as root on the machine: "
                    + "install 'binfmt-support', and 'update-binfmts --enable'"
            )
        }
    }

    private static func refused(_ architecture: String, _ hint: String) -> RootcellarError {
        RootcellarError(
            .policy,
            "programs of this architecture cannot be executed here",
            subject: architecture,
            hint: hint
        )
    }
}

/// The qemu-user of one architecture, and how the kernel knows its programs.
private struct Emulator {
    /// qemu's name of the processor.
    private let processor: String
    /// `EI_CLASS`, `EI_DATA` and `e_machine` of its programs (elf(5)).
    private let is64Bit: Bool
    private let isLittleEndian: Bool
    private let machine: UInt16

    init?(_ architecture: String) {
        guard let row = Self.rows[architecture] else { return nil }
        (processor, is64Bit, isLittleEndian, machine) = row
    }

    private static let rows: [String: (String, Bool, Bool, UInt16)] = [
        "amd64": ("x86_64", true, true, 62), "arm64": ("aarch64", true, true, 183), "armel": ("arm", false, true, 40),
        "armhf": ("arm", false, true, 40), "i386": ("i386", false, true, 3),
        "loong64": ("loongarch64", true, true, 258), "mips": ("mips", false, false, 8),
        "mips64": ("mips64", true, false, 8), "mips64el": ("mips64el", true, true, 8),
        "mipsel": ("mipsel", false, true, 8), "powerpc": ("ppc", false, false, 20),
        "ppc64": ("ppc64", true, false, 21), "ppc64el": ("ppc64le", true, true, 21),
        "riscv32": ("riscv32", false, true, 243), "riscv64": ("riscv64", true, true, 243),
        "s390x": ("s390x", true, false, 22),
    ]

    /// The emulator, as far as it is installed in a form that needs nothing of the root it runs in.
    var program: FilePath? {
        if let program = HostProgram.find("qemu-\(processor)-static") { return program }
        guard let program = HostProgram.find("qemu-\(processor)"), isStatic(program) else { return nil }
        return program
    }

    /// A program that is loaded by another names it in its first page (PT_INTERP).
    private func isStatic(_ program: FilePath) -> Bool {
        guard let file = try? openPath(program, .readOnly) else { return false }
        defer { file.closeQuietly() }
        var page = [UInt8](repeating: 0, count: 4096)
        guard let count = try? unsafe page.withUnsafeMutableBytes({ unsafe try file.read(into: $0) }) else {
            return false
        }
        return !String(decoding: page.prefix(count), as: UTF8.self).contains("/ld")
    }

    /// The line for binfmt_misc (Documentation/admin-guide/binfmt-misc.rst of the kernel): executables (`e_type` 2) and
    /// shared objects (3) of the machine. The kernel opens the emulator once, now (F), passes it the program as a
    /// descriptor (O) and the name it was called by (P).
    func rule(_ program: FilePath) -> String {
        let number = [UInt8(truncatingIfNeeded: machine), UInt8(truncatingIfNeeded: machine >> 8)]
        let type: [UInt8] = [2, 0]
        let magic: [UInt8] =
            [0x7F, 0x45, 0x4C, 0x46, is64Bit ? 2 : 1, isLittleEndian ? 1 : 2, 1] + [UInt8](repeating: 0, count: 9)
            + (isLittleEndian ? type + number : type.reversed() + number.reversed())
        // Whatever EI_OSABI is, and with the lowest bit of the type left out, which tells 2 from 3.
        let typeMask: [UInt8] = [0xFE, 0xFF]
        let mask: [UInt8] =
            [UInt8](repeating: 0xFF, count: 7) + [0] + [UInt8](repeating: 0xFF, count: 8)
            + (isLittleEndian ? typeMask : typeMask.reversed()) + [0xFF, 0xFF]
        return ":rootcellar-\(processor):M::\(escaped(magic)):\(escaped(mask)):\(program.string):OPF"
    }

    private func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
