// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import OpenPGP
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("A new tree and its keys", .scratchDirectory)
struct KeyStoreTests {
    @Test("have one key for each role, which can be exported and are found again")
    func keys() throws {
        let directory = ScratchDirectory.path.appending("keys")
        let store = try KeyStore.initialise(directory: directory, name: "Example images")
        #expect(Set([store.root, store.release, store.freshness]).count == 3)
        #expect(mode(directory) == 0o700)
        let again = try KeyStore.open(directory: directory)
        #expect(again.name == "Example images")
        for role in Role.allCases {
            #expect(again.fingerprint(role) == store.fingerprint(role))
            let block = try again.export(role)
            #expect(try PublicKeyBlock.primaryFingerprints(block, subject: "k") == [store.fingerprint(role)])
        }
        #expect(try Disk.members(directory).sorted() == ["gnupg", "roles.json"])
    }

    @Test("are never made over others, by a bad name, or opened where there are none")
    func refusals() throws {
        let directory = ScratchDirectory.path.appending("keys")
        #expect(failure { _ = try KeyStore.open(directory: directory) }?.errorClass == .policy)
        for name in ["", " x", "a<b>", "a\nb", String(repeating: "x", count: 65)] {
            let fault = failure { _ = try KeyStore.initialise(directory: directory, name: name) }
            #expect(fault?.errorClass == .policy, "\(name)")
        }
        _ = try KeyStore.initialise(directory: directory, name: "One")
        let roles = try read(directory.appending("roles.json"))
        #expect(failure { _ = try KeyStore.initialise(directory: directory, name: "Two") }?.errorClass == .policy)
        #expect(try read(directory.appending("roles.json")) == roles)
        let other = ScratchDirectory.path.appending("other")
        try FileManager.default.createDirectory(atPath: other.string, withIntermediateDirectories: false)
        try write([1], to: other.appending("file"))
        #expect(failure { _ = try KeyStore.initialise(directory: other, name: "Two") }?.errorClass == .policy)
        try write(Array("{\"format\":1,\"name\":\"x\",\"roles\":{}}".utf8), to: directory.appending("roles.json"))
        #expect(failure { _ = try KeyStore.open(directory: directory) }?.errorClass == .policy)
    }

    @Test("are refused in a directory with something else in it, over another tree, and by a bad id")
    func trees() throws {
        let workshop = try Workshop()
        func make(_ tree: FilePath, _ id: String = "images.example.org") -> RootcellarError? {
            failure {
                try TreeInitialiser.initialise(tree: tree, keys: workshop.keys, id: id, now: Workshop.start)
            }
        }
        let before = try workshop.contents()
        #expect(make(workshop.tree)?.errorClass == .repository)
        #expect(try workshop.contents() == before)
        #expect(make(workshop.top)?.errorClass == .repository)
        #expect(!Disk.exists(workshop.top.appending(".rootcellar")))
        for id in ["", "../x", "A", "a/b"] { #expect(make(workshop.top.appending("new"), id)?.errorClass == .policy) }
        #expect(!Disk.exists(workshop.top.appending("new")))

        // Everything but the pointer was there when an earlier call died.
        try Disk.remove(workshop.tree.appending(TreePath.pointer))
        #expect(make(workshop.tree) == nil)
        #expect(try workshop.check().manifest == 1)
        // But a tree with images whose pointer was lost is nobody's to make anew.
        try workshop.publish(try workshop.image())
        try Disk.remove(workshop.tree.appending(TreePath.pointer))
        #expect(make(workshop.tree)?.errorClass == .repository)
    }

    @Test("are not signed for longer than is safe, nor out of order")
    func policy() throws {
        let workshop = try Workshop()
        let tree = try CurrentTree(workshop.layout, keys: workshop.keys, now: Workshop.start)
        let home = try workshop.keys.openHome()
        defer { home.close() }
        let signer = DocumentSigner(
            keys: workshop.keys,
            home: home,
            validity: Validity(),
            now: Workshop.start
        )
        func refused(_ change: (inout Manifest) -> Void) -> Bool {
            var manifest = tree.manifest
            manifest.version = 2
            change(&manifest)
            return failure { _ = try signer.sign(manifest, after: 1, verifier: tree.verifier) }?.errorClass == .policy
        }
        #expect(!refused { _ in })
        #expect(refused { $0.version = 1 })
        #expect(refused { $0.version = 3 })
        #expect(refused { $0.validUntil = $0.validUntil.adding(seconds: 1) })
        var pointer = tree.pointer
        #expect(failure { _ = try signer.sign(pointer, after: 2, verifier: tree.verifier) }?.errorClass == .policy)
        pointer.validUntil = pointer.validUntil.adding(seconds: 1)
        #expect(failure { _ = try signer.sign(pointer, after: 1, verifier: tree.verifier) }?.errorClass == .policy)
        var root = tree.root
        root.expires = root.expires.adding(seconds: 1)
        #expect(failure { _ = try signer.sign(root) }?.errorClass == .policy)
    }

    @Test("have indexes for stock clients that are sorted lines and nothing else")
    func legacyIndex() throws {
        let serial = try Serial("20260101_00:00")
        let names = try ["b/1/amd64", "a/1/arm64", "a/1/amd64/cloud"].map { try ImageName(path: $0) }
        let index = LegacyIndex(names.map { ($0, serial) })
        #expect(
            text(index.bytes) == """
                a;1;amd64;cloud;20260101_00:00;/images/a/1/amd64/cloud/20260101_00:00/
                a;1;arm64;default;20260101_00:00;/images/a/1/arm64/default/20260101_00:00/
                b;1;amd64;default;20260101_00:00;/images/b/1/amd64/default/20260101_00:00/

                """
        )
        let later = try Serial("20260102_00:00")
        let replaced = LegacyIndex(index.bytes, replacing: ["a"], by: [(names[1], later)])
        #expect(replaced == LegacyIndex([(names[0], serial), (names[1], later)]))
        #expect(LegacyIndex([]).bytes == [])
        // Distributions whose names begin alike, or sort around the separator.
        let others = ["a", "a-b", "a.b", "a0", "ab", "b", "zz"]
        func rows(_ distribution: String, _ count: Int) throws -> [(name: ImageName, serial: Serial)] {
            try (0..<count).map { (try ImageName(path: "\(distribution)/r\($0)/amd64/default"), serial) }
        }
        for distribution in others {
            for count in 0...2 {
                let before = LegacyIndex(try others.flatMap { try rows($0, 1) })
                let after = try others.flatMap { try rows($0, $0 == distribution ? count : 1) }
                let new = try rows(distribution, count)
                #expect(LegacyIndex(before.bytes, replacing: [distribution], by: new) == LegacyIndex(after))
            }
        }
        let revoked = SHA256Digest(hashing: [1])
        let good = FileReference(of: [2])
        let shard = IndexShard(
            server: "s",
            distribution: "a",
            images: [
                IndexShard.Image(
                    release: "1",
                    architecture: "amd64",
                    variant: "default",
                    builds: [
                        IndexShard.Build(serial: serial, image: good, tested: false),
                        IndexShard.Build(
                            serial: later,
                            image: FileReference(size: 1, sha256: revoked),
                            tested: false
                        ),
                    ]
                )
            ]
        )
        #expect(try LegacyIndex.newest(shard, revoked: [revoked], subject: "s").map(\.serial) == [serial])
    }
}
