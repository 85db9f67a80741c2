// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("A tree's keys", .scratchDirectory)
struct KeyChangeTests {
    @Test("change one role after the other, and the tree is right from every root key it ever had")
    func rotations() throws {
        var workshop = try Workshop()
        try workshop.publish(try workshop.image())
        let first = workshop.keys.root
        for (number, role) in [Role.release, .freshness, .root].enumerated() {
            let before = workshop.keys.fingerprint(role)
            let report = try workshop.publisher.rotate(role)
            #expect(report.root == number + 2)
            #expect(report.removed == [before])
            workshop = try workshop.reopened()
            #expect(!workshop.keys.fingerprints(role).contains(before))
            #expect(try workshop.check().root == number + 2)
            #expect(try workshop.check().leftovers == [])
        }
        #expect(try TreeCheck(tree: workshop.tree, fingerprint: first, now: Workshop.start).run().root == 4)
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        #expect(try workshop.check().builds == 2)
        let renewed = try workshop.publisher.renewRoot()
        #expect(renewed.removed == [])
        #expect(renewed.root == 5)
        #expect(try workshop.check().root == 5)
    }

    @Test("can be several of which some have to sign; one that was lost is replaced")
    func thresholds() throws {
        var workshop = try Workshop()
        let report = try workshop.publisher.rotate(.root, count: 3, threshold: 2)
        #expect(report.roles[.root]?.threshold == 2)
        #expect(report.roles[.root]?.fingerprints.count == 3)
        workshop = try workshop.reopened()
        let lost = workshop.keys.fingerprints(.root)[1]
        let secret = try workshop.keys.openHome()
        defer { secret.close() }
        let next = try workshop.publisher.revoke(lost, .root)
        #expect(next.removed == [lost])
        #expect(next.roles[.root]?.fingerprints.count == 3)
        workshop = try workshop.reopened()
        #expect(try workshop.check().root == 3)
        #expect(failure { _ = try workshop.publisher.revoke(lost, .root) }?.errorClass == .policy)
        #expect(failure { _ = try workshop.publisher.rotate(.root, count: 2, threshold: 3) }?.errorClass == .policy)
        #expect(try workshop.check().leftovers == [])
    }

    @Test(
        "are the old ones or the new ones wherever a publisher dies",
        arguments: Publisher.Step.allCases.filter { $0 != .removalJournalled }
    )
    func dies(_ step: Publisher.Step) throws {
        var workshop = try Workshop()
        try workshop.publish(try workshop.image())
        var dying = workshop.publisher
        dying.stopsAfter = step
        #expect(failure { _ = try dying.rotate(.freshness) }?.reason.contains("stopped") == true)
        let wasPublished = step == .pointer || step == .indexes
        #expect(try workshop.check().root == (wasPublished ? 2 : 1))
        workshop = try workshop.reopened()
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        #expect(try workshop.check().root == (wasPublished ? 2 : 1))
        #expect(try workshop.publisher.rotate(.freshness).root == (wasPublished ? 3 : 2))
        #expect(try workshop.check().leftovers == [])
    }

    @Test("that sign pointers are enough to keep a tree valid, and for nothing else")
    func freshnessAlone() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        let home = try workshop.keys.openHome()
        let secrets = workshop.top.appending("keys/gnupg/private-keys-v1.d")
        let before = Set(try Disk.members(secrets))
        let freshness = try home.makeKey(userID: "a key to find out names of files")
        _ = freshness
        let other = Set(try Disk.members(secrets)).subtracting(before)
        #expect(other.count == 1)
        // Which file belongs to which key is found by taking them away one after the other.
        for name in before {
            let bytes = try read(secrets.appending(name))
            try Disk.remove(secrets.appending(name))
            let fresh = try workshop.keys.openHome()
            let isFreshness = !fresh.canSign(workshop.keys.freshness)
            fresh.close()
            if isFreshness { try write(bytes, to: secrets.appending(name)) }
        }
        home.close()
        let later = Workshop.start.adding(seconds: 5 * 86400)
        let publisher = Publisher(tree: workshop.tree, keys: workshop.keys, now: later)
        #expect(try publisher.refresh().validUntil == later.adding(seconds: 7 * 86400))
        #expect(try workshop.check(now: later).manifest == 2)
        #expect(failure { _ = try publisher.rotate(.release) }?.errorClass == .signature)
        #expect(failure { _ = try publisher.setMirrors([]) }?.errorClass == .signature)
        #expect(try workshop.check(now: later).leftovers == [])
    }

    @Test("sign what takes a build back, and what names mirrors")
    func revocation() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        let name = try ImageName(path: "debian/bookworm/amd64")
        let newest = try Serial("20260105_00:00")
        #expect(try workshop.publisher.revoke(name, newest, reason: "a bad library").manifest == 4)
        #expect(try workshop.publisher.setMirrors(["https://mirror.example"]).manifest == 5)
        #expect(try workshop.check().leftovers == [])
        let tree = try CurrentTree(workshop.layout, keys: workshop.keys, now: Workshop.start)
        #expect(tree.manifest.revoked.map(\.reason) == ["a bad library"])
        #expect(tree.manifest.mirrors == ["https://mirror.example"])
        let index = text(try read(workshop.tree.appending("meta/1.0/index-user")))
        #expect(!index.contains("20260105_00:00"))
        #expect(index.contains("debian;bookworm"))
        #expect(failure { _ = try workshop.publisher.revoke(name, newest, reason: "x") }?.errorClass == .policy)
    }
}

extension Workshop {
    /// The same with the keys as they are now.
    func reopened() throws -> Workshop { Workshop(keys: try KeyStore.open(directory: keys.directory)) }
}
