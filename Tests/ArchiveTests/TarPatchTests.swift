// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("A patch between two tars", .scratchDirectory)
struct TarPatchTests {
    private var directory: FilePath { ScratchDirectory.path }

    private func file(_ name: String, _ bytes: [UInt8]? = nil) throws -> FileDescriptor {
        let file = try FileDescriptor.open(
            directory.appending(name),
            .readWrite,
            options: bytes == nil ? [.create] : [.create, .truncate],
            permissions: .ownerReadWrite
        )
        if let bytes { try file.writeAll(bytes) }
        return file
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(directory.appending(name), .readOnly)
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: try file.status().size)
        _ = try readBlock(file, &bytes)
        return bytes
    }

    /// Two blobs that share most of what they have, not at the same places.
    private func pair() -> (old: [UInt8], new: [UInt8]) {
        var generator = SeededGenerator()
        let shared = generator.bytes(600_000)
        let old = generator.bytes(10_000) + shared
        let new = Array(shared[300_000...]) + generator.bytes(3_000) + Array(shared[..<300_000])
        return (old, new)
    }

    private func make(_ old: [UInt8], _ new: [UInt8]) throws -> [UInt8] {
        let base = try file("old", old)
        defer { try? base.close() }
        let content = try file("new", new)
        defer { try? content.close() }
        let patch = try file("patch", [])
        defer { try? patch.close() }
        let size = try TarPatch.make(base: base, new: content, patch: patch, level: 3)
        let bytes = try bytes("patch")
        #expect(bytes.count == size)
        return bytes
    }

    /// What applying gives.
    private func apply(_ patch: [UInt8], to old: [UInt8], size: Int? = nil) throws -> [UInt8] {
        let base = try file("base", old)
        defer { try? base.close() }
        let patch = try file("given", patch)
        defer { try? patch.close() }
        let output = try file("made", [])
        defer { try? output.close() }
        try TarPatch.reserve(output, size: try size ?? TarPatch.declaredSize(of: patch))
        try TarPatch.apply(base: base, patch: patch, output: output)
        return try bytes("made")
    }

    private func refusal(_ patch: [UInt8], _ old: [UInt8], size: Int? = nil) -> ErrorClass? {
        do {
            _ = try apply(patch, to: old, size: size)
            return nil
        } catch {
            return (error as? RootcellarError)?.errorClass
        }
    }

    @Test("makes the new one of the old one and is small")
    func roundTrip() throws {
        let (old, new) = pair()
        let patch = try make(old, new)
        #expect(patch.count < 5_000)
        #expect(try apply(patch, to: old) == new)
    }

    @Test("is made of tars of any size", arguments: [(0, 0), (0, 9), (9, 0), (1, 1), (5_000_000, 20)])
    func sizes(_ old: Int, _ new: Int) throws {
        var generator = SeededGenerator()
        let (old, new) = (generator.bytes(old), generator.bytes(new))
        #expect(try apply(try make(old, new), to: old) == new)
    }

    @Test("is one that stock zstd applies, and one of stock zstd's is applied")
    func stock() async throws {
        let (old, new) = pair()
        _ = try make(old, new)
        let script = """
            cd '\(directory)'
            zstd -q -d --long=31 --patch-from=old patch -o stock; cmp stock new
            zstd -q -19 --patch-from=old new -o theirs
            """
        let result = try await runProgram("sh", ["-euc", script])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try apply(try bytes("theirs"), to: old) == new)
    }

    @Test("is refused for another old tar")
    func wrongBase() throws {
        let (old, new) = pair()
        let patch = try make(old, new)
        var other = old
        other[300_000] ^= 1
        #expect(refusal(patch, other) == .archive)
        #expect(refusal(patch, Array(old.dropLast())) == .archive)
        #expect(refusal(patch, []) == .archive)
    }

    @Test("is refused when it is cut anywhere, or goes on after its end")
    func prefixes() throws {
        let (old, new) = pair()
        let patch = try make(old, new)
        for length in Array(stride(from: 0, to: patch.count, by: 97)) + [patch.count - 1] {
            #expect(refusal(Array(patch.prefix(length)), old) == .archive, "cut at \(length)")
        }
        #expect(refusal(patch + [0], old) == .archive)
        #expect(refusal(patch + patch, old) == .archive)
        // A skippable frame (RFC 8878, 3.1.2).
        #expect(refusal(patch + [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0], old) == .archive)
    }

    @Test("is refused or makes the same, whatever bytes of it are changed")
    func mutations() throws {
        let (old, new) = pair()
        let patch = try make(old, new)
        var generator = SeededGenerator()
        for _ in 0..<300 {
            var changed = patch
            changed[Int.random(in: 0..<patch.count, using: &generator)] ^=
                1 << UInt8.random(in: 0...7, using: &generator)
            let made = try? apply(changed, to: old, size: new.count)
            #expect(made == nil || made == new, "seed \(generator.seed)")
        }
    }

    @Test("that makes more than it may is refused, whatever it says")
    func bomb() async throws {
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        let patch = try make([1, 2, 3], zeros)
        #expect(patch.count < 2000)
        #expect(refusal(patch, [1, 2, 3], size: zeros.count - 1) == .archive)
        #expect(refusal(patch, [1, 2, 3], size: zeros.count + 1) == .archive)
        // From a pipe, zstd does not know the size and says none.
        let script = "cd '\(directory)'; head -c 3000000 /dev/zero | zstd -q -19 > unsized; echo 123 > base"
        #expect(try await runProgram("sh", ["-euc", script]).status == 0)
        #expect(refusal(try bytes("unsized"), []) == .archive)
    }
}
