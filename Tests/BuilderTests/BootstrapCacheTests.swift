// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("Bootstrapped roots between builds", .scratchDirectory)
struct BootstrapCacheTests {
    private let epoch = Timestamp(seconds: 1_700_000_000)
    private func key(_ text: String) -> SHA256Digest { SHA256Digest(hashing: Array(text.utf8)) }

    private func root(_ name: String, bytes: Int = 10) throws -> FilePath {
        let root = ScratchDirectory.path.appending(name)
        try FileManager.default.createDirectory(atPath: root.appending("etc").string, withIntermediateDirectories: true)
        var generator = SeededGenerator(seed: 7)
        try Data(generator.bytes(bytes)).write(to: URL(filePath: root.appending("etc/file").string))
        return root
    }

    private func bytes(_ path: FilePath) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path.string))) }

    @Test("what was kept comes back as it was; what is not there does not")
    func roundTrip() throws {
        let log = try BuildLog(ScratchDirectory.path.appending("log")) { _ in }
        let cache = try BootstrapCache(ScratchDirectory.path.appending("cache"))
        let made = try root("made")
        let back = ScratchDirectory.path.appending("back")
        #expect(try !cache.restore(key("one"), into: back, log))
        try cache.keep(key("one"), made, epoch: epoch, threads: 1)
        #expect(try cache.restore(key("one"), into: back, log))
        #expect(try bytes(back.appending("etc/file")) == bytes(made.appending("etc/file")))
        #expect(try !cache.restore(key("two"), into: ScratchDirectory.path.appending("no"), log))
    }

    @Test("a damaged entry is never used, and does not stay", arguments: ["flip", "cut", "no sum", "other sum"])
    func damage(_ kind: String) throws {
        let log = try BuildLog(ScratchDirectory.path.appending("log")) { _ in }
        let base = ScratchDirectory.path.appending("cache")
        let cache = try BootstrapCache(base)
        try cache.keep(key("one"), try root("made"), epoch: epoch, threads: 1)
        let tar = base.appending("bootstrap/\(key("one")).tar.zst")
        let sum = base.appending("bootstrap/\(key("one")).sha256")
        var content = try bytes(tar)
        switch kind {
        case "flip": content[content.count / 2] ^= 1
        case "cut": content.removeLast(10)
        case "no sum": try FileManager.default.removeItem(atPath: sum.string)
        default: try Data("\(key("x"))\n".utf8).write(to: URL(filePath: sum.string))
        }
        try Data(content).write(to: URL(filePath: tar.string))
        let back = ScratchDirectory.path.appending("back")
        #expect(try !cache.restore(key("one"), into: back, log))
        #expect(!FileManager.default.fileExists(atPath: back.string))
        #expect(!FileManager.default.fileExists(atPath: sum.string))
    }

    @Test("the roots that were used the longest time ago go when there are too many")
    func limit() throws {
        let log = try BuildLog(ScratchDirectory.path.appending("log")) { _ in }
        let cache = try BootstrapCache(ScratchDirectory.path.appending("cache"), limit: 250_000)
        let made = try root("made", bytes: 100_000)
        for (number, name) in ["a", "b", "c"].enumerated() {
            try cache.keep(key(name), made, epoch: epoch, threads: 1)
            let path = ScratchDirectory.path.appending("cache/bootstrap/\(key(name)).tar.zst")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_600_000_000 + Double(number))],
                ofItemAtPath: path.string
            )
        }
        // Keeping the third found three of 100 kB; the first went.
        #expect(try !cache.restore(key("a"), into: ScratchDirectory.path.appending("ra"), log))
        #expect(try cache.restore(key("b"), into: ScratchDirectory.path.appending("rb"), log))
        #expect(try cache.restore(key("c"), into: ScratchDirectory.path.appending("rc"), log))
    }
}
