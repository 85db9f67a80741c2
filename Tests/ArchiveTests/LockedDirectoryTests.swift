// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SystemPackage
import TestSupport
import Testing

@testable import Archive

#if canImport(Glibc)
import Glibc
#endif

@Suite("Directories that belong to a living process", .scratchDirectory)
struct LockedDirectoryTests {
    private let parent = ScratchDirectory.path

    private func make(_ name: String) throws -> FilePath {
        let path = parent.appending(name)
        let inner = path.appending("scratch/rootfs/deep").string
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        try writeFile(path.appending("scratch/file"), [1])
        return path
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: parent.string).sorted()
    }

    @Test("what the dead left is swept, links are not followed, what the living hold and others' things stay")
    func sweep() throws {
        let dead = try make("mine-dead")
        let living = try make("mine-living")
        let outside = try make("outside")
        let target = outside.string
        try FileManager.default.createSymbolicLink(atPath: dead.appending("link").string, withDestinationPath: target)
        try FileManager.default.createSymbolicLink(
            atPath: parent.appending("mine-link").string,
            withDestinationPath: target
        )
        let lock = try openPath(living, .readOnly, .directory)
        defer { lock.closeQuietly() }
        #expect(flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0)
        try LockedDirectory.sweep(parent, prefix: "mine-")
        #expect(try names() == ["mine-link", "mine-living", "outside"])
        for path in [outside, living] { #expect(try readFile(path.appending("scratch/file")) == [1]) }
    }

    @Test("one is made while somebody holds its parent for ever, and is swept when its owner is gone")
    func made() throws {
        let held = try openPath(parent, .readOnly, .directory)
        defer { held.closeQuietly() }
        #expect(flock(held.rawValue, LOCK_EX | LOCK_NB) == 0)
        var first: LockedDirectory? = try LockedDirectory(in: parent, prefix: "mine-", mode: 0o700)
        let second = try LockedDirectory(in: parent, prefix: "mine-", mode: 0o700)
        #expect(try names().count == 2)
        #expect(first?.path != second.path)
        first = nil
        try LockedDirectory.sweep(parent, prefix: "mine-")
        #expect(try names() == [second.path.lastComponent?.string ?? ""])
        try writeFile(second.path.appending("file"), [1])
        second.remove()
        #expect(try names() == [])
    }
}
