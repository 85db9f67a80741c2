// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

/// An export comes on a stick from somewhere: its header is signed by nobody.
@Suite("An export from outside", .scratchDirectory)
struct DamagedExportTests {
    private func source(_ bytes: [UInt8]) throws -> ExportSource {
        let path = ScratchDirectory.path.appending("export")
        try write(bytes, to: path)
        return try ExportSource(path)
    }

    private func export(_ files: [ExportHeader.File], content: [UInt8]) throws -> [UInt8] {
        try ExportHeader(server: "images.example.org", manifest: 3, since: nil, files: files).bytes() + content
    }

    @Test("is refused if a byte of its beginning is another, or it is cut anywhere")
    func damaged() throws {
        let content = Array("first second".utf8)
        let files = [("a", 5), ("b/c", 7)].map { name, size in
            ExportHeader.File(path: name, size: size, sha256: SHA256Digest(hashing: Array(name.utf8)))
        }
        let good = try export(files, content: content)
        #expect(try source(good).header.files == files)
        for at in 0..<(good.count - content.count) {
            var bytes = good
            bytes[at] ^= 0x04
            #expect(failure { _ = try source(bytes) } != nil, "byte \(at)")
        }
        for length in 0..<good.count {
            #expect(failure { _ = try source(Array(good.prefix(length))) } != nil, "\(length) bytes")
        }
        #expect(failure { _ = try source(good + [0]) }?.errorClass == .size)
    }

    @Test("is refused if its header adds up to something else than the file, whatever the numbers")
    func senseless() throws {
        var random = SeededGenerator()
        print("seed \(random.seed)")
        let sizes = [0, 1, 5, -1, Int.max, Int.max - 3, Int.min, 1 << 62]
        for _ in 0..<400 {
            let files = (0..<Int.random(in: 0...4, using: &random)).map { number in
                ExportHeader.File(
                    path: Bool.random(using: &random) ? "same" : "file \(number)",
                    size: sizes.randomElement(using: &random) ?? 0,
                    sha256: SHA256Digest(hashing: [])
                )
            }
            let content = random.bytes(Int.random(in: 0...6, using: &random))
            let isRight =
                Set(files.map(\.path)).count == files.count && files.allSatisfy { (0...9).contains($0.size) }
                && files.map { Double($0.size) }.reduce(0, +) == Double(content.count)
            let bytes = try export(files, content: content)
            #expect((failure { _ = try source(bytes) } == nil) == isRight, "\(files.map { "\($0.path) \($0.size)" })")
        }
    }
}
