// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("A hostile archive", .scratchDirectory)
struct HostileMemberTests {
    @Test("is refused or unpacked without harm", arguments: HostileMember.all)
    func member(_ member: HostileMember) throws {
        let top = ScratchDirectory.path
        let parent = try FileDescriptor.open(top, .readOnly, options: .directory)
        defer { try? parent.close() }
        try parent.makeDirectory("root".utf8, mode: 0o755)
        let root = try FileDescriptor.open(top.appending("root"), .readOnly, options: .directory)
        defer { try? root.close() }
        let tar = try FileDescriptor.scratchFile("tar", holding: member.bytes)
        defer { try? tar.close() }
        var outcome = HostileMember.Outcome.refused
        do {
            let report = try Unpacking.run(tar: tar, root: root, expecting: member.limits)
            let kind = Omissions.Kind.allCases.first { report.omissions[$0] > 0 }
            outcome = .unpacked(kind, count: kind.map { report.omissions[$0] } ?? 0)
            try check(member, root)
        } catch let error as RootcellarError {
            #expect(error.errorClass == .archive, "\(error)")
            #expect(!error.description.unicodeScalars.contains(where: isUnprintable))
            outcome = .refused
        }
        #expect(outcome == member.outcome)
        #expect(try Set(parent.names()) == [Array("root".utf8), Array("tar".utf8)])
    }

    /// What must be true of what was unpacked.
    private func check(_ member: HostileMember, _ root: FileDescriptor) throws {
        func status(_ name: String) throws -> ObjectStatus { try root.status(of: name.utf8) }
        switch member.number {
        case 8: #expect(try root.names().isEmpty)
        case 9: #expect(try status("f").kind == .fifo)
        case 10: #expect(try status("su").mode == 0o4755)
        case 14, 16:
            let file = try root.open("x".utf8, 0)
            defer { try? file.close() }
            let names = try file.imageAttributes().map { String(decoding: $0.name, as: UTF8.self) }
            let wanted = member.number == 14 ? ["security.capability"] : ["system.posix_acl_access"]
            #expect(names == (member.outcome == .unpacked() ? wanted : []))
        case 15, 17:
            let file = try root.open("x".utf8, 0)
            defer { try? file.close() }
            #expect(try file.imageAttributes().isEmpty)
        case 18:
            let status = try root.status()
            #expect(status.mode == 0o755 && status.uid == 0 && status.gid == 0)
        case 23: #expect(try status("x").size == 4096)
        case 40: #expect(try root.names().count == 7)
        case 41:
            #expect(try status("old").modified == 0)
            #expect(try status("new").modified <= TarLimits().newest)
        case 46:
            #expect(try status("d").mode == 0)
            #expect(try status("d/x").kind == .file)
        default: break
        }
    }

    @Test("26: a decompression bomb is refused by its ratio, and nothing else is", arguments: Compression.allCases)
    func ratio(_ compression: Compression) async throws {
        let directory = ScratchDirectory.path
        let programs: [Compression: String] = [.xz: "xz -0", .zstd: "zstd -q", .gzip: "gzip"]
        let script = """
            cd '\(directory)'; head -c 100M /dev/zero | \(programs[compression] ?? "") > bomb
            head -c 60M /dev/zero | \(programs[compression] ?? "") > small
            """
        #expect(try await runProgram("sh", ["-euc", script]).status == 0)
        func run(_ name: String, ratio: Int?) -> ErrorClass? {
            do {
                let input = try FileDescriptor.open(directory.appending(name), .readOnly)
                defer { try? input.close() }
                let output = try unsafe FileDescriptor.open("/dev/null", .writeOnly)
                defer { try? output.close() }
                try compression.decompress(input, to: output, limit: 1 << 30, ratio: ratio)
                return nil
            } catch {
                return (error as? RootcellarError)?.errorClass
            }
        }
        #expect(run("bomb", ratio: 200) == .archive)
        #expect(run("bomb", ratio: nil) == nil)
        #expect(run("small", ratio: 200) == nil)
    }

    @Test("29, 30: of a compressed file any changed bit of the content is found", arguments: Compression.allCases)
    func changedBits(_ compression: Compression) async throws {
        let directory = ScratchDirectory.path
        let programs: [Compression: String] = [.xz: "xz", .zstd: "zstd -q --check", .gzip: "gzip -n"]
        let script =
            "cd '\(directory)'; head -c 50000 /dev/urandom > plain; \(programs[compression] ?? "") < plain > good"
        #expect(try await runProgram("sh", ["-euc", script]).status == 0)
        let good = try scratchBytes("good")
        let plain = try scratchBytes("plain")
        var generator = SeededGenerator()
        for _ in 0..<200 {
            var bytes = good
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            let file = try FileDescriptor.scratchFile("bad", holding: bytes)
            defer { try? file.close() }
            let output = try FileDescriptor.scratchFile("out")
            defer { try? output.close() }
            let isAccepted = (try? compression.decompress(file, to: output, limit: 1 << 20)) != nil
            // A header may hold fields that change nothing, as gzip's time of packing.
            if isAccepted {
                #expect(try scratchBytes("out") == plain, "seed \(generator.seed), byte \(place)")
            }
        }
    }

    @Test("has a test for every number of the catalogue")
    func complete() {
        // 26, 29 and 30 are the two tests above; 28, the dictionary of an xz file, needs a process with limits.
        let elsewhere: Set = [26, 28, 29, 30]
        #expect(Set(HostileMember.all.map(\.number)).union(elsewhere) == Set(1...46))
    }
}
