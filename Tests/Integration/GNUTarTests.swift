// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("What GNU tar packs", .scratchDirectory)
struct GNUTarTests {
    @Test(
        "is unpacked as GNU tar does it: content, modes, owners, times, links, attributes, holes",
        arguments: ["pax", "pax sparse 1.0", "pax sparse 0.1", "pax sparse 0.0", "gnu sparse", "gnu", "ustar"]
    )
    func random(_ form: String) async throws {
        var random = SeededGenerator()
        // Seven forms: a hundred trees in the long form.
        for round in 0..<(ProcessInfo.processInfo.environment["ROOTCELLAR_SOAK"] == nil ? 4 : 15) {
            let top = ScratchDirectory.path.appending("\(round)")
            try makeDirectory(top.appending("tree"))
            try await makeTree(top.appending("tree"), &random, attributes: form.hasPrefix("pax"))
            let words = form.split(separator: " ")
            var options = ["--format=\(words[0])"]
            if words.count > 1 { options.append("--sparse") }
            if words.count > 2 { options.append("--sparse-version=\(words[2])") }
            if words[0] == "pax" { options += ["--xattrs", "--xattrs-include=*", "--acls"] }
            // Long names and the like do not fit into every form: what tar leaves out is in neither result.
            let script = """
                tree=$1/tree; shift
                tar "$@" --numeric-owner -C "$tree" -cf "$tree.tar" . 2>"$tree.errors" || test $? = 2
                mkdir "$tree.theirs"
                tar --numeric-owner --xattrs --xattrs-include='*' --acls -C "$tree.theirs" -xpf "$tree.tar" || echo bad
                """
            let made = try await runProgram("sh", ["-euc", script, "sh", top.string] + options).succeeded()
            let place = Comment(rawValue: "\(form), seed \(random.seed), round \(round)")
            if made.output == "bad\n" {
                // A file whose first name does not fit is left out, and its second name is a link to nothing.
                #expect(made.errors.contains("Cannot hard link"), "\(place) \(made.errors)")
                #expect(throws: RootcellarError.self, place) {
                    try unpack(top.appending("tree.tar"), into: top.appending("ours"))
                }
                removeTree(top)
                continue
            }
            let report = try unpack(top.appending("tree.tar"), into: top.appending("ours"))
            #expect(report.omissions.isEmpty, place)
            // In the oldest form tar may leave out a directory with everything in it.
            #expect(report.entries > (form == "ustar" ? 3 : 20), place)
            // The root directory is ours to decide.
            let ours = try await Snapshot(top.appending("ours")).without(".")
            let theirs = try await Snapshot(top.appending("tree.theirs")).without(".")
            #expect(ours.differences(from: theirs) == [], place)
            let sizes = try await Programs.shell("cd \"$1\"; stat -c %b ours/sparse tree.theirs/sparse", top.string)
            let blocks = sizes.split(separator: "\n").compactMap { Int($0) }
            #expect(blocks.count == 2 && blocks[0] <= 600, "\(place): \(blocks)")
            removeTree(top)
        }
    }

    private func unpack(_ tar: FilePath, into directory: FilePath) throws -> Unpacking.Report {
        try makeDirectory(directory)
        let root = try FileDescriptor.open(directory, .readOnly, options: .directory)
        defer { try? root.close() }
        let file = try FileDescriptor.open(tar, .readOnly)
        defer { try? file.close() }
        return try Unpacking.run(tar: file, root: root, expecting: nil)
    }

    private static let pieces = [
        "a", "Z", "0", " ", "-", "--", "\n", "ü", "e\u{301}", "日本", "\u{1B}[1m", "*", "?", "'", "\"", "\\", "$x", "#",
        "=",
        "..", "long-enough-to-matter-",
    ]

    private func name(_ random: inout SeededGenerator) -> [UInt8] {
        var name = ""
        for _ in 0..<Int.random(in: 1...8, using: &random) { name += Self.pieces.randomElement(using: &random) ?? "x" }
        if Int.random(in: 0..<6, using: &random) == 0 { name = String(repeating: name, count: 30) }
        var bytes = Array(name.utf8.prefix(250))
        // Not UTF-8 at all.
        if Int.random(in: 0..<8, using: &random) == 0 { bytes.append(0xFF) }
        return bytes == Array(".".utf8) || bytes == Array("..".utf8) ? Array("dots".utf8) : bytes
    }

    private func makeTree(_ path: FilePath, _ random: inout SeededGenerator, attributes: Bool) async throws {
        let root = try FileDescriptor.open(path, .readOnly, options: .directory)
        defer { try? root.close() }
        var directories: [[UInt8]] = [[]]
        var files: [[UInt8]] = []
        for _ in 0..<80 {
            let parentPath = directories.randomElement(using: &random) ?? []
            let name = name(&random)
            let parent = try root.openBeneath(parentPath, 0x1_0000)
            defer { try? parent.close() }
            guard (try? parent.status(of: name)) == nil else { continue }
            let path = parentPath.isEmpty ? name : parentPath + [0x2F] + name
            guard path.count < 3000 else { continue }
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1:
                try parent.makeDirectory(name, mode: 0o700)
                if directories.count < 30 { directories.append(path) }
            case 2: try parent.makeSymbolicLink(name, to: self.name(&random))
            case 3: try parent.makeFIFO(name, mode: UInt32.random(in: 0...0o777, using: &random))
            case 4:
                guard let target = files.randomElement(using: &random) else { continue }
                try root.makeHardLink(path, to: target, in: root)
                continue
            default:
                let file = try parent.createFile(name, mode: 0o600)
                defer { try? file.close() }
                try file.writeAll(random.bytes([0, 1, 511, 512, 513, 70_000].randomElement(using: &random) ?? 0))
                files.append(path)
                try adorn(file, &random, attributes: attributes)
                try file.setModified(
                    Int64.random(in: 0...2_000_000_000, using: &random),
                    UInt32.random(in: 0...999_999_999, using: &random)
                )
                continue
            }
            try parent.changeOwner(
                of: name,
                uid: UInt32.random(in: 0...70_000, using: &random),
                gid: UInt32.random(in: 0...70_000, using: &random)
            )
            try parent.setModified(of: name, Int64.random(in: 0...2_000_000_000, using: &random))
        }
        let script = """
            cd "$1"; truncate -s 5M sparse; printf data | dd of=sparse bs=1 seek=1000000 conv=notrunc 2>/dev/null
            printf end | dd of=sparse bs=1 seek=3999999 conv=notrunc 2>/dev/null; truncate -s 0 empty; truncate -s 300K hole
            head -c 300K /dev/zero | tr '\\0' x > plain; mkdir acl
            if [ "$2" = yes ]; then setfacl -m u:4242:rw,g:4343:r plain; setfacl -d -m u:4242:rwx acl; fi
            find . -depth -type d -print0 | xargs -0 touch -h -d @1500000000.123456789
            """
        try await Programs.shell(script, path.string, attributes ? "yes" : "no")
    }

    private func adorn(_ file: FileDescriptor, _ random: inout SeededGenerator, attributes: Bool) throws {
        try file.changeOwner(
            uid: UInt32.random(in: 0...3_000_000, using: &random),
            gid: UInt32.random(in: 0...3_000_000, using: &random)
        )
        try file.changeMode(UInt32.random(in: 0...0o7777, using: &random))
        guard attributes, Int.random(in: 0..<3, using: &random) == 0 else { return }
        try file.setAttribute(.init(name: Array("user.note".utf8), value: random.bytes(40)))
        // CAP_NET_RAW (capability.h, version 2).
        let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20] + [UInt8](repeating: 0, count: 14)
        try file.setAttribute(.init(name: Array("security.capability".utf8), value: capability))
    }
}
