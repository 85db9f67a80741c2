// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("What changed between two builds' packages")
struct PackageChangesTests {
    private func packages(_ words: String...) -> [ImageDocument.Package] {
        words.map { word in
            let parts = word.split(separator: " ").map(String.init)
            return ImageDocument.Package(
                name: parts[0],
                version: parts[1],
                architecture: parts.count > 2 ? parts[2] : "amd64"
            )
        }
    }

    @Test("is what was added, removed and put in another version, in order")
    func simple() {
        let changes = PackageChanges(
            from: packages("zlib 1", "bash 5.1", "old 2", "libc 1 i386", "libc 1"),
            to: packages("bash 5.2", "zlib 1", "new 3", "libc 1", "libc 2 i386")
        )
        #expect(changes.added == packages("new 3"))
        #expect(changes.removed == packages("old 2"))
        #expect(
            changes.changed.map { "\($0.name) \($0.architecture) \($0.from) \($0.to)" } == [
                "bash amd64 5.1 5.2", "libc i386 1 2",
            ]
        )
        #expect(changes.count == 4)
    }

    @Test("is nothing between the same, in whatever order")
    func same() { #expect(PackageChanges(from: packages("a 1", "b 2"), to: packages("b 2", "a 1")).count == 0) }

    @Test("is of the versions that only one build has, where several stand side by side")
    func several() {
        let changes = PackageChanges(from: packages("kernel 1", "kernel 2"), to: packages("kernel 10", "kernel 2"))
        #expect(changes.added.isEmpty && changes.removed.isEmpty)
        #expect(changes.changed.map { "\($0.from) \($0.to)" } == ["1 10"])
        let more = PackageChanges(from: packages("kernel 2"), to: packages("kernel 9", "kernel 10", "kernel 2"))
        #expect(more.added == packages("kernel 9", "kernel 10") && more.changed.isEmpty)
        let back = PackageChanges(from: packages("kernel 10"), to: packages("kernel 9~1"))
        #expect(back.changed.map(\.isDowngrade) == [true])
    }

    @Test("counts the other way round when the lists are exchanged")
    func mirrored() {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            func list() -> [ImageDocument.Package] {
                (0..<Int.random(in: 0..<12, using: &numbers)).map { _ in
                    packages("p\(Int.random(in: 0..<6, using: &numbers)) \(Int.random(in: 0..<3, using: &numbers))")[0]
                }
            }
            let (old, new) = (list(), list())
            let there = PackageChanges(from: old, to: new)
            let back = PackageChanges(from: new, to: old)
            #expect(there.added == back.removed && there.removed == back.added)
            #expect(there.changed.count == back.changed.count)
        }
    }
}
