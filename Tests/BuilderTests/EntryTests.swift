// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("How a build is entered", .scratchDirectory)
struct EntryTests {
    @Test("subordinate ids are found by name or number, and only a range that is big enough")
    func ranges() {
        let text = "other:100000:65536\nme:5:100\nme:200000:65536\n1000:300000:70000\nbad:x:y\nme:0:70000\n"
        #expect(SubordinateIDs(in: text, user: "me", uid: 7)?.first == 200_000)
        #expect(SubordinateIDs(in: text, user: nil, uid: 1000)?.first == 300_000)
        #expect(SubordinateIDs(in: text, user: "nobody", uid: 7) == nil)
        #expect(SubordinateIDs(in: ":1:70000\n", user: nil, uid: 7) == nil)
        #expect(SubordinateIDs(in: "me:4294967000:65536\n", user: "me", uid: 7) == nil)
        #expect(
            SubordinateIDs(in: text, user: "me", uid: 7)?.options("--map-user", caller: 7)
                == ["--map-user", "0:7:1", "--map-user", "1:200000:65535"]
        )
    }

    @Test("what a dead build left is swept, what a living one holds is not")
    func sweep() throws {
        let parent = ScratchDirectory.path
        let dead = parent.appending(".rootcellar-build-dead")
        let living = parent.appending(".rootcellar-build-living")
        for path in [dead, living] {
            try makeHostDirectories(path.appending("scratch/rootfs/deep"))
            try writeFile(path.appending("scratch/rootfs/file"), [1])
        }
        let outside = parent.appending("outside")
        try makeHostDirectory(outside)
        try FileManager.default.createSymbolicLink(
            atPath: dead.appending("link").string,
            withDestinationPath: outside.string
        )
        try writeFile(outside.appending("kept"), [1])
        let lock = try openPath(living, .readOnly, .directory)
        defer { lock.closeQuietly() }
        #expect(flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0)
        try BuildDirectory.sweep(beside: parent.appending("output"))
        let names = try FileManager.default.contentsOfDirectory(atPath: parent.string).sorted()
        #expect(names == [".rootcellar-build-living", "outside"])
        #expect(FileManager.default.fileExists(atPath: outside.appending("kept").string))
        #expect(FileManager.default.fileExists(atPath: living.appending("scratch/rootfs/file").string))
    }
}
