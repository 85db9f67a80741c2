// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("Compressed images", .scratchDirectory)
struct CompressionTests {
    private static let epoch = Timestamp(seconds: 1_700_000_000)

    private func outputs(_ name: String) -> [RootfsPacker.Output] {
        let directory = ScratchDirectory.path
        return [
            .init(.tar, name: "tar", path: directory.appending("\(name).tar")),
            .init(.xz(level: 1), name: "xz", path: directory.appending("\(name).tar.xz")),
            .init(.zstd(level: 3), name: "zst", path: directory.appending("\(name).tar.zst")),
            .init(.squashfs, name: "squashfs", path: directory.appending("\(name).squashfs")),
        ]
    }

    @Test("are the same bytes for any number of threads")
    func threads() async throws {
        let tree = ScratchDirectory.path.appending("tree")
        try await makeSampleTree(tree)
        let one = try RootfsPacker(epoch: Self.epoch, threads: 1).pack(tree, outputs: outputs("one"))
        let many = try RootfsPacker(epoch: Self.epoch, threads: 5).pack(tree, outputs: outputs("many"))
        #expect(one.files == many.files)
        #expect(one.tar == many.tar)
    }

    @Test("hold what their figures say, and other programs read them")
    func figures() async throws {
        let tree = ScratchDirectory.path.appending("tree")
        try await makeSampleTree(tree)
        let packed = try RootfsPacker(epoch: Self.epoch, threads: 2).pack(tree, outputs: outputs("a"))
        for (name, program) in [("a.tar.xz", "xz"), ("a.tar.zst", "zstd")] {
            let path = ScratchDirectory.path.appending(name).string
            let sum = try await runProgram("sh", ["-c", "\(program) -dc '\(path)' | sha256sum | cut -c1-64"])
            #expect(sum.output == "\(packed.tar.sha256)\n")
        }
        for (name, file) in packed.files {
            #expect(
                try HashedFile.read(
                    ScratchDirectory.path.appending(name == "zst" || name == "xz" ? "a.tar.\(name)" : "a.\(name)")
                ) == file
            )
        }
    }

    @Test(
        "are refused when they are cut, changed, longer than signed or of another kind",
        arguments: Compression.allCases
    )
    func broken(_ compression: Compression) async throws {
        let directory = ScratchDirectory.path
        let plain = directory.appending("plain")
        let script = "head -c 300000 /dev/urandom >'\(plain)'; xz -k '\(plain)'; zstd -q '\(plain)'; gzip -k '\(plain)'"
        _ = try await runProgram("sh", ["-c", script])
        let endings: [Compression: String] = [.xz: "xz", .zstd: "zst", .gzip: "gz"]
        let name = "plain.\(endings[compression] ?? "")"
        let good = try scratchBytes(name)
        #expect(try decompress(good, compression, limit: 300_000).count == 300_000)
        #expect(refusal(good, compression, limit: 299_999) == .archive)
        #expect(refusal([], compression, limit: 10) == .archive)
        #expect(refusal(Array("not compressed at all".utf8), compression, limit: 100) == .archive)
        var generator = SeededGenerator()
        for _ in 0..<40 {
            let length = Int.random(in: 1..<good.count, using: &generator)
            #expect(refusal(Array(good.prefix(length)), compression, limit: 300_000) == .archive, "cut at \(length)")
        }
    }

    private func refusal(_ bytes: [UInt8], _ compression: Compression, limit: Int) -> ErrorClass? {
        do {
            _ = try decompress(bytes, compression, limit: limit)
            return nil
        } catch {
            return (error as? RootcellarError)?.errorClass
        }
    }

    private func decompress(_ bytes: [UInt8], _ compression: Compression, limit: Int) throws -> [UInt8] {
        let input = try FileDescriptor.scratchFile("in", holding: bytes)
        defer { try? input.close() }
        let output = try FileDescriptor.scratchFile("out")
        defer { try? output.close() }
        try compression.decompress(input, to: output, limit: limit)
        return try scratchBytes("out")
    }
}
