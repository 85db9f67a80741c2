// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import OpenPGP
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("A root document that several people sign", .scratchDirectory)
struct RootDraftTests {
    @Test("comes into force when enough have, in any order and on copies; drafts that are damaged never do")
    func ceremony() throws {
        let now = Workshop.start
        let top = ScratchDirectory.path
        var people: [KeyStore] = []
        var plan = KeyPlan()
        plan.rootThreshold = 2
        for name in ["a", "b", "c"] {
            var own = KeyPlan()
            own.roles = [.root]
            let store = try KeyStore.initialise(directory: top.appending(name), name: name, plan: own, unlock: .nobody)
            people.append(store)
            plan.keys[.root, default: NewKeys()].publicKeys.append(try store.export(.root))
        }
        let directory = top.appending("keys")
        let keys = try KeyStore.initialise(directory: directory, name: "Example", plan: plan, unlock: .nobody)
        #expect(keys.fingerprints(.root) == people.map(\.root))
        let draft = try TreeInitialiser.draft(keys: keys, id: "images.example.org", now: now)
        let workshop = Workshop(keys: keys)
        func begin(_ draft: RootDraft) -> RootcellarError? {
            failure {
                try TreeInitialiser.initialise(
                    tree: workshop.tree,
                    keys: keys,
                    id: "images.example.org",
                    now: now,
                    draft: draft
                )
            }
        }
        #expect(failure { _ = try people[0].require([.release]) }?.errorClass == .policy)
        let first = try RootSigner(keys: people[0], now: now).sign(draft)
        let second = try RootSigner(keys: people[2], now: now).sign(draft)
        #expect(begin(first)?.errorClass == .signature)
        #expect(begin(try first.joined([first]))?.errorClass == .signature)
        #expect(!Disk.exists(workshop.tree.appending(TreePath.pointer)))
        let both = try first.joined([second])
        try checkDamage(both, now)
        #expect(begin(both) == nil)
        #expect(try workshop.check().root == 1)

        // The next one: signed by the new keys and by those before. Nothing older or other is signed again.
        let next = try workshop.publisher.draft(.rotate(.release))
        #expect(try workshop.check().root == 1)
        #expect(failure { _ = try workshop.publisher.apply(next) }?.errorClass == .signature)
        let half = try RootSigner(keys: people[1], now: now).sign(next)
        #expect(failure { _ = try workshop.publisher.apply(half) }?.errorClass == .signature)
        let whole = try RootSigner(keys: people[2], now: now).sign(half)
        #expect(try RootSigner(keys: people[2], now: now).sign(whole).bytes == whole.bytes)
        let old = failure { _ = try RootSigner(keys: people[2], now: now).sign(draft) }
        #expect(old?.errorClass == .policy)
        let other = try workshop.reopened().publisher.draft(.renew)
        #expect(failure { _ = try RootSigner(keys: people[2], now: now).sign(other) }?.errorClass == .policy)
        #expect(failure { _ = try whole.joined([other]) }?.errorClass == .binding)
        let report = try workshop.reopened().publisher.apply(whole)
        #expect(report.root == 2)
        #expect(report.removed.count == 1)
        #expect(try workshop.check().root == 2)
        #expect(failure { _ = try workshop.reopened().publisher.apply(whole) }?.errorClass == .policy)
        let log = try people[2].audit.lines()
        #expect(log.map { $0.contains(" sign ") } == [true, true, true, false, false])
        #expect(try workshop.reopened().publisher.setMirrors([]).manifest == 3)
    }

    /// Every prefix is refused, and what is changed is refused or the same.
    private func checkDamage(_ draft: RootDraft, _ now: Timestamp) throws {
        let bytes = draft.bytes
        let again = try RootDraft(reading: bytes, subject: "d", now: now)
        #expect(again.bytes == bytes)
        #expect(try again.missing(now: now) == [])
        var random = SeededGenerator(seed: 7)
        for _ in 0..<40 {
            let cut = Array(bytes.prefix(Int(random.next() % UInt64(bytes.count))))
            let read = try? RootDraft(reading: cut, subject: "d", now: now)
            #expect(try read.map { try !$0.missing(now: now).isEmpty } ?? true)
        }
        for _ in 0..<40 {
            var changed = bytes
            changed[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
            guard let read = try? RootDraft(reading: changed, subject: "d", now: now) else { continue }
            #expect(try read.payload == draft.payload || !read.missing(now: now).isEmpty)
        }
    }

    @Test(
        "is not the only thing that is written down: a tree from an old backup is not signed for, and a log not changed"
    )
    func backup() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        let pointer = try read(workshop.tree.appending(TreePath.pointer))
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        try write(pointer, to: workshop.tree.appending(TreePath.pointer))
        try Disk.remove(workshop.tree.appending(TreePath.manifest(3)))
        let fault = failure { try workshop.publish(try workshop.image(serial: "20260106_00:00", content: 4)) }
        #expect(fault?.errorClass == .policy)
        #expect(fault?.reason == "refusing to sign manifest 3 after 3")
        #expect(
            failure { _ = try workshop.publisher.refresh() }?.reason
                == "refusing to sign a pointer to manifest 2 after 3"
        )
        #expect(try read(workshop.tree.appending(TreePath.pointer)) == pointer)
        let lines = try workshop.keys.audit.lines()
        #expect(lines.last?.contains("refuse a pointer to manifest 2 after 3") == true)
        #expect(lines.contains { $0.contains("sign build images/debian/bookworm/amd64/default/20260101_05:24") })
        let path = workshop.keys.audit.path
        let log = text(try read(path))
        try write(Array(log.replacing("manifest 2 of", with: "manifest 9 of").utf8), to: path)
        #expect(failure { _ = try workshop.keys.audit.lines() }?.errorClass == .policy)
        try write(Array(log.split(separator: "\n").dropFirst(2).joined(separator: "\n").utf8), to: path)
        #expect(failure { _ = try workshop.keys.audit.lines() }?.errorClass == .policy)
        try write(Array("{}".utf8), to: workshop.keys.directory.appending("signed.json"))
        #expect(failure { _ = try workshop.publisher.refresh() }?.errorClass == .policy)
    }

    @Test("has keys with a passphrase; a wrong one or none is one line, and nothing is published")
    func passphrase() throws {
        let directory = ScratchDirectory.path.appending("keys")
        var plan = KeyPlan()
        plan.isProtected = true
        plan.roles = [.root]
        let secret = KeyUnlock.passphrase(Array("correct horse".utf8))
        _ = try KeyStore.initialise(directory: directory, name: "Example", plan: plan, unlock: secret)
        var keys = try KeyStore.open(directory: directory)
        let message: [UInt8] = [1, 2, 3]
        for (unlock, words) in [
            (KeyUnlock.nobody, "the key has a passphrase, and nobody gave it"),
            (.passphrase(Array("wrong".utf8)), "the passphrase is wrong"),
        ] {
            keys.unlock = unlock
            let home = try keys.openHome()
            let fault = failure { _ = try home.sign(message, by: keys.root) }
            #expect(fault?.errorClass == .signature)
            #expect(fault?.reason == "cannot sign: \(words)")
            home.close()
        }
        keys.unlock = secret
        let home = try keys.openHome()
        defer { home.close() }
        _ = try home.sign(message, by: keys.root)
    }
}
