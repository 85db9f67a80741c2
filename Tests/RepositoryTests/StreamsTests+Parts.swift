// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

/// A catalogue that is divided into files, and read back from them.
extension StreamsTests {
    /// The files of the catalogue by name, signatures left out, with the inode of each.
    private func files(_ workshop: Workshop) throws -> [String: UInt64] {
        let directory = workshop.tree.appending("streams/v1")
        var result: [String: UInt64] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.string) where name.hasSuffix(".json")
        {
            var status = stat()
            #expect(unsafe lstat(directory.appending(name).string, &status) == 0)
            result[name] = UInt64(status.st_ino)
        }
        return result
    }

    @Test("is divided once it is large, so that a publication writes only the file that it changes")
    func divided() async throws {
        let workshop = try Workshop()
        var publisher = workshop.publisher
        publisher.streamsPartSize = 3000
        func publish(_ names: [String], day: Int) throws {
            let images = try names.map { name in
                let number = UInt64(name.dropFirst().prefix(while: \.isNumber)) ?? 0
                return try image(workshop, name, day: day, content: number * 10 + UInt64(day))
            }
            _ = try publisher.publish(images: images, untested: true)
        }
        let names = (1...12).map { "d\($0)/one/amd64" }
        try publish(names, day: 1)
        let before = try files(workshop)
        #expect(before.count > 3 && before["images.json"] == nil)
        let index = try index(workshop)
        #expect(
            Set(index.index.values.flatMap(\.products)) == Set(names.map { $0.replacing("/", with: ":") + ":default" })
        )
        #expect(index.index.values.map(\.products.count).reduce(0, +) == names.count)
        for (name, entry) in index.index {
            #expect(entry.path == "streams/v1/\(name).json" && !entry.products.isEmpty)
            let bytes = try read(workshop.tree.appending(entry.path))
            #expect(try #require(StreamsCatalogue(reading: bytes)).images.map(\.key) == entry.products)
        }
        #expect(try workshop.check().images == 12)

        // The same number of files, all but one of them the very files that there were.
        try publish([names[4]], day: 2)
        let after = try files(workshop)
        #expect(Set(after.keys) == Set(before.keys))
        let changed = after.filter { before[$0.key] != $0.value }.keys.sorted()
        #expect(changed.count == 2 && changed.contains("index.json"), "\(changed)")
        #expect(try workshop.check().builds == 13)

        // Whoever spoils a file, or takes it away, is found out, and the next publication writes it anew.
        let part = try #require(after.keys.first { !changed.contains($0) })
        let path = workshop.tree.appending("streams/v1/\(part)")
        var bytes = try read(path)
        bytes[bytes.count / 2] ^= 1
        try write(bytes, to: path)
        #expect(failure { _ = try workshop.check() }?.errorClass == .binding)
        try publish([names[5]], day: 2)
        #expect(try workshop.check().builds == 14)
        try Disk.remove(workshop.tree.appending("streams"))
        try publish([names[6]], day: 2)
        #expect(try workshop.check().builds == 15)

        // Another key signs every file, also those that stay as they are.
        let carried = try files(workshop)
        _ = try publisher.rotate(.release)
        #expect(try workshop.check().builds == 15)
        #expect(try files(workshop).allSatisfy { carried[$0.key] != nil && carried[$0.key] != $0.value })

        // Back to one file, as soon as it is small.
        publisher = Publisher(
            tree: workshop.tree,
            keys: try KeyStore.open(directory: workshop.keys.directory),
            now: Workshop.start
        )
        publisher.deltas = 0
        try publish([names[7]], day: 2)
        #expect(try Set(files(workshop).keys) == ["index.json", "images.json"])
        #expect(try workshop.check().builds == 16)
    }

    @Test("is the same whether it was changed or made anew, whatever happens to images")
    func changes() throws {
        let workshop = try Workshop()
        var publisher = workshop.publisher
        publisher.streamsPartSize = 3000
        var random = SeededGenerator()
        // Names that take each other's short forms.
        let names = [
            "a/current/amd64/b", "a/b/amd64", "a/current/amd64", "a/current/arm64", "a.b/b/amd64", "b/c/amd64",
        ]
        var published: [(name: ImageName, serial: Serial)] = []
        for step in 1...9 {
            let comment = Comment(rawValue: "step \(step), seed \(random.seed)")
            let old = published.randomElement(using: &random)
            let channel = Bool.random(using: &random) ? "stable" : "testing"
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where old != nil:
                guard let old else { continue }
                guard (try? publisher.revoke(old.name, old.serial, reason: "x")) != nil else { continue }
            case 1 where old != nil:
                guard let old else { continue }
                guard (try? publisher.promote(old.name, old.serial, to: channel)) != nil else { continue }
            default:
                let chosen = names.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random))
                let images = try chosen.enumerated().map { number, name in
                    try image(workshop, name, day: step, content: UInt64(step * 10 + number))
                }
                _ = try publisher.publish(images: images, untested: true)
                for path in chosen {
                    let name = try ImageName(path: path)
                    let shard = try CurrentTree(workshop.layout, keys: nil, now: Workshop.start).shard(
                        name.distribution
                    )
                    let at = try #require(shard?.position(of: name))
                    published.append((name, try #require(shard?.images[at].builds.last?.serial)))
                }
            }
            // A check makes the catalogue anew from the documents, and compares.
            #expect(try workshop.check().images > 0, comment)
        }
    }

    @Test("reads back what it wrote, and no other text")
    func readBack() throws {
        var catalogue = StreamsCatalogue()
        var random = SeededGenerator()
        func blocks(_ distribution: String, _ count: Int) throws -> [(key: String, block: ArraySlice<UInt8>)] {
            try (0..<count).map { number in
                let name = try ImageName(distribution: distribution, release: "r\(number)", architecture: "amd64")
                let lines = (0...number).map { Array("\"2026010\($0)_0000\":{\"items\":{}}".utf8) }
                let wanted = number == 1 ? ["a\"b": "{}"] : [:]
                return (
                    StreamsCatalogue.key(name),
                    StreamsCatalogue.block(name, aliases: ["x"], requirements: wanted, lines: lines)
                )
            }
        }
        for (distribution, count) in [("b", 3), ("a", 1), ("c", 2), ("b", 2), ("a", 0), ("b-", 1), ("b.c", 1)] {
            catalogue.replace(distribution, by: try blocks(distribution, count))
            let bytes = StreamsCatalogue.bytes(catalogue.images, contentID: "images")
            let back = try #require(StreamsCatalogue(reading: bytes))
            #expect(back.images.map(\.key) == catalogue.images.map(\.key))
            #expect(StreamsCatalogue.bytes(back.images, contentID: "images") == bytes)
            _ = try JSONDecoder().decode([String: Anything].self, from: Data(bytes))
        }
        #expect(
            catalogue.images.map(\.key) == [
                "b-:r0:amd64:default", "b.c:r0:amd64:default", "b:r0:amd64:default",
                "b:r1:amd64:default", "c:r0:amd64:default", "c:r1:amd64:default",
            ]
        )
        let image = try #require(catalogue.builds(of: "b:r1:amd64:default"))
        #expect(image.lines.keys.sorted() == ["20260100_0000", "20260101_0000"] && image.newest == "20260101_0000")
        #expect(image.requirements == ["a\"b": "{}"])
        let bytes = StreamsCatalogue.bytes(catalogue.images, contentID: "images")
        for _ in 0..<2000 {
            var changed = bytes
            switch Int.random(in: 0..<3, using: &random) {
            case 0: changed[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            case 1: changed.removeSubrange(Int.random(in: 0..<bytes.count, using: &random)...)
            default:
                changed.insert(
                    UInt8.random(in: 0...255, using: &random),
                    at: Int.random(in: 0...bytes.count, using: &random)
                )
            }
            // It may be read as something else, but never beyond its end.
            if let read = StreamsCatalogue(reading: changed) {
                for image in read.images { _ = read.builds(of: image.key) }
            }
        }
        for short in [[], [0x0A], Array("\n}}\n".utf8), Array("x\n}}\n".utf8), Array("x\n,\n}}\n}}\n".utf8)] {
            _ = StreamsCatalogue(reading: short)
        }
    }
}
