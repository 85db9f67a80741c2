// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("A check that does not read everything", .scratchDirectory)
struct CheckEconomyTests {
    private func check(_ workshop: Workshop, state: FilePath? = nil, sample: Int? = nil) throws -> CheckReport {
        var check = TreeCheck(tree: workshop.tree, fingerprint: workshop.keys.root, now: Workshop.start)
        check.state = state
        check.sample = sample
        return try check.run()
    }

    @Test("reads what is new or has changed since the last one, and finds it damaged")
    func state() throws {
        let workshop = try Workshop()
        let state = workshop.top.appending("state")
        try workshop.publish(try workshop.image(), try workshop.image("debian/trixie/amd64", content: 2))
        let first = try check(workshop, state: state)
        #expect((first.read, first.unchanged) == (2, 0))
        let second = try check(workshop, state: state)
        #expect((second.read, second.unchanged) == (0, 2))
        #expect((second.files, second.bytes) == (first.files, first.bytes))
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        let third = try check(workshop, state: state)
        #expect((third.read, third.unchanged) == (1, 2))
        #expect(try check(workshop).files == third.files)

        // The same length, the same time of modification: the time of change tells.
        let file = workshop.tree.appending("images/debian/trixie/amd64/default/20260101_05:24/rootfs.tar.zst")
        var bytes = try read(file)
        bytes[7] ^= 1
        let open = try FileDescriptor.open(file, .writeOnly)
        try open.closeAfter { _ = try open.writeAll(toAbsoluteOffset: 0, bytes) }
        #expect(failure { _ = try check(workshop, state: state) }?.errorClass == .hash)
        bytes[7] ^= 1
        try write(bytes, to: file)
        #expect(try check(workshop, state: state).read == 1)
        try Disk.remove(file)
        #expect(failure { _ = try check(workshop, state: state) }?.errorClass == .repository)
        try write(bytes, to: file)
        #expect(try check(workshop, state: state).read == 1)

        // Whatever the state is, it only saves work.
        for damage in ["", "{}", "{\"format\":1,\"tree\":\"/x\"}", "\u{0}"] {
            try write(Array(damage.utf8), to: state)
            #expect(try check(workshop, state: state).read == 3)
        }
        let other = failure { _ = try check(workshop, state: workshop.tree.appending("images/state")) }
        #expect(other?.errorClass == .usage)
        #expect(try check(workshop).leftovers == [])
    }

    @Test("keeps its state under a bare name, too")
    func bareName() throws {
        let above = FilePath("state").removingLastComponent()
        #expect(above.isEmpty)
        #expect(failure { try Disk.syncDirectory(above) }?.description == nil)
    }

    @Test("reads as many builds as it is told, and of the others the documents and the sizes")
    func sample() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image(), try workshop.image("debian/trixie/amd64", content: 2))
        let whole = try check(workshop)
        let none = try check(workshop, sample: 0)
        #expect((none.read, none.files, none.bytes) == (0, whole.files, whole.bytes))
        #expect(try check(workshop, sample: 1).read == 1)
        #expect(try check(workshop, sample: 9).read == 2)
        let file = workshop.tree.appending("images/debian/trixie/amd64/default/20260101_05:24/build.log")
        var bytes = try read(file)
        bytes[0] ^= 1
        try write(bytes, to: file)
        #expect(try check(workshop, sample: 0).read == 0)
        #expect(failure { _ = try check(workshop, sample: 2) }?.errorClass == .hash)
        try write(Array(bytes.dropLast()), to: file)
        #expect(failure { _ = try check(workshop, sample: 0) }?.errorClass == .size)
        try Disk.remove(file)
        #expect(failure { _ = try check(workshop, sample: 0) }?.errorClass == .repository)
    }
}
