// SPDX-License-Identifier: Apache-2.0

import Archive
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
        let cache = try BuildCache(ScratchDirectory.path.appending("cache")).bootstraps
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
        let cache = try BuildCache(base).bootstraps
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

    @Test("what was used the longest time ago goes when there is too much, and only that")
    func limit() throws {
        let log = try BuildLog(ScratchDirectory.path.appending("log")) { _ in }
        let cache = try BuildCache(ScratchDirectory.path.appending("cache"))
        let made = try root("made", bytes: 100_000)
        for (number, name) in ["a", "b", "c"].enumerated() {
            try cache.bootstraps.keep(key(name), made, epoch: epoch, threads: 1)
            let path = cache.path.appending("bootstrap/\(key(name)).tar.zst")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_600_000_000 + Double(number))],
                ofItemAtPath: path.string
            )
        }
        let now = Timestamp(seconds: 1_600_000_003)
        #expect(try cache.prune(limit: 250_000, now: now, dryRun: true).map(\.key) == [key("a").description])
        #expect(try cache.entries().map(\.key) == ["c", "b", "a"].map { key($0).description })
        #expect(try cache.prune(limit: 250_000, now: now).map(\.key) == [key("a").description])
        #expect(try !cache.bootstraps.restore(key("a"), into: ScratchDirectory.path.appending("ra"), log))
        #expect(try cache.bootstraps.restore(key("b"), into: ScratchDirectory.path.appending("rb"), log))
        // Used now, it stays.
        #expect(
            try cache.prune(unusedFor: 10, now: Timestamp(seconds: 1_600_000_013)).map(\.key) == [key("c").description]
        )
        #expect(try cache.bootstraps.restore(key("b"), into: ScratchDirectory.path.appending("rb2"), log))
    }

    @Test("verify names what is damaged, and repair removes just that")
    func verify() throws {
        let cache = try BuildCache(ScratchDirectory.path.appending("cache"))
        try cache.bootstraps.keep(key("a"), try root("made"), epoch: epoch, threads: 1)
        try cache.bootstraps.keep(key("b"), try root("made"), epoch: epoch, threads: 1)
        let package = SHA256Digest(hashing: Array("p".utf8)).description
        try writeFile(cache.path.appending("packages/sha256/\(package)"), Array("p".utf8))
        #expect(try cache.verify(repair: false).damaged.isEmpty)
        try writeFile(cache.path.appending("packages/sha256/\(package)"), Array("q".utf8))
        try writeFile(cache.path.appending("bootstrap/\(key("a")).tar.zst"), Array("q".utf8))
        let result = try cache.verify(repair: true)
        #expect(result.checked == 3)
        #expect(Set(result.damaged.map(\.key)) == [package, key("a").description])
        #expect(try cache.entries().map(\.key) == [key("b").description])
    }

    @Test("what a killed build was writing goes, and a cache that others can write into is refused")
    func leftovers() throws {
        let cache = try BuildCache(ScratchDirectory.path.appending("cache"))
        try writeFile(cache.path.appending("tmp/half"), Array("half".utf8))
        try cache.bootstraps.keep(key("a"), try root("made"), epoch: epoch, threads: 1)
        #expect(!FileManager.default.fileExists(atPath: cache.path.appending("tmp/half").string))
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: cache.path.string)
        let error = #expect(throws: RootcellarError.self) { try BuildCache(cache.path) }
        #expect(error?.errorClass == .cache)
    }
}
