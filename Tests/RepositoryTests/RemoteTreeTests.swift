// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing
import Transfer

@testable import Repository

/// A publisher's keys and its working copy of a tree in an object store.
private struct RemoteWorkshop: Sendable {
    let workshop: Workshop
    let server: ObjectStoreServer
    let prefix: String
    var copy = "copy"

    /// - Parameter hasTree: whether an empty tree is made.
    init(_ server: ObjectStoreServer, prefix: String, hasTree: Bool = true) throws {
        let keys = ScratchDirectory.path.appending("keys-\(prefix.replacing("/", with: "-"))")
        workshop = Workshop(keys: try KeyStore.initialise(directory: keys, name: "Example"))
        (self.server, self.prefix) = (server, prefix)
        if hasTree { try initialise() }
    }

    /// What no real publisher would bear: nothing is waited for, and there is little patience.
    func remote(tries: Int = 5) throws -> RemoteTree {
        var options = TransferOptions(caFile: server.authority.string, proxy: "")
        options.backoffBase = .milliseconds(1)
        options.backoffCap = .milliseconds(5)
        options.tries = tries
        let address = try StoreAddress(
            "s3://\(ObjectStoreServer.bucket)/\(prefix)",
            endpoint: ServerAddress(server.endpoint)
        )
        let credentials = try StoreCredentials(accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/planted")
        let store = try ObjectStore(address, credentials: credentials, options: options)
        store.partSize = 5 << 20
        return RemoteTree(
            store,
            workingCopy: ScratchDirectory.path.appending("\(copy)-\(prefix)"),
            now: Workshop.start
        )
    }

    func initialise(tries: Int = 5) throws {
        let remote = try remote(tries: tries)
        try TreeInitialiser.initialise(
            tree: remote.workingCopy,
            keys: workshop.keys,
            id: "images.example.org",
            now: Workshop.start,
            remote: remote
        )
    }

    func publisher(tries: Int = 5, after days: Int64 = 0) throws -> Publisher {
        let now = Workshop.start.adding(seconds: days * 86400)
        // They change.
        let keys = try KeyStore.open(directory: workshop.keys.directory)
        var publisher = Publisher(try remote(tries: tries), keys: keys, now: now)
        publisher.deltas = 0
        publisher.lockSeconds = 0
        return publisher
    }

    func check(sample: Int? = nil, after days: Int64 = 0) throws -> CheckReport {
        let now = Workshop.start.adding(seconds: days * 86400)
        var check = RemoteCheck(try remote(), fingerprint: workshop.keys.root, now: now)
        check.sample = sample
        return try check.run()
    }

    func paths() throws -> [String] { try remote().store.list("").map(\.path) }

    /// The bytes of an object.
    func bytes(_ path: String) throws -> [UInt8] {
        guard case .found(let bytes, _) = try remote().store.get(path, limit: 64 << 20) else { return [] }
        return bytes
    }

    func index() throws -> String { text(try bytes("meta/1.0/index-user")) }
}

@Suite("A tree in an object store", .scratchDirectory, .serialized)
struct RemoteTreeTests {
    private static let isSoaking = ProcessInfo.processInfo.environment["ROOTCELLAR_SOAK"] != nil
    private static let modes =
        ["busy", "drop", "lost", "deny", "dead", "lastword"] + (isSoaking ? ["slow"] : [])

    private func run(_ body: @escaping @Sendable (ObjectStoreServer) throws -> Void) async throws {
        // Another thread has none of the task's values.
        let directory = ScratchDirectory.path
        try await ObjectStoreServer.run(in: directory.appending("store")) { server in
            try await blocking { try ScratchDirectory.$path.withValue(directory) { try body(server) } }
        }
    }

    @Test("is made, published to, checked, pruned and told from another; big files go in parts")
    func life() async throws {
        try await run { server in
            let site = try RemoteWorkshop(server, prefix: "a/b")
            #expect(try site.check().manifest == 1)
            #expect(try site.paths().allSatisfy { !$0.hasPrefix(".rootcellar") })
            // Another one is not made over it.
            #expect(failure { try site.initialise() }?.reason.contains("already") == true)

            var random = SeededGenerator(seed: 9)
            let big = random.bytes(11 << 20)
            let image = try site.workshop.image { $0["rootfs.squashfs"] = big }
            let report = try site.publisher().publish(images: [image], untested: true)
            #expect(report.manifest == 2 && report.images.count == 1)
            let checked = try site.check()
            #expect(checked.builds == 1 && checked.read == 1 && checked.leftovers == [])
            #expect(try site.check(sample: 0).read == 0)
            let directory = "images/debian/bookworm/amd64/default/20260101_05:24"
            #expect(try site.bytes("\(directory)/rootfs.squashfs") == big)
            #expect(try site.index().contains(directory))
            let requests = try server.requests()
            #expect(requests.filter { $0.contains("partNumber=") }.count == 3)
            // Nothing big stays here.
            let copy = try site.remote().layout
            #expect(!Disk.exists(copy.path("\(directory)/rootfs.squashfs")))
            #expect(Disk.exists(copy.path("\(directory)/image.json")))

            // The other working copy learns all of it, and the first one what that has published.
            var other = site
            other.copy = "other"
            let second = try site.workshop.image(serial: "20260102_05:24", content: 2)
            _ = try other.publisher().publish(images: [second], untested: true)
            let third = try site.workshop.image("void/current/amd64", serial: "20260103_05:24", content: 3)
            _ = try site.publisher().publish(images: [third], untested: true)
            #expect(try site.check().builds == 3)
            #expect(try site.index().split(separator: "\n").count == 2)
            _ = try site.publisher().promote(ImageName(path: "void/current/amd64"), to: "stable")
            _ = try other.publisher().revoke(
                ImageName(path: "debian/bookworm/amd64"),
                Serial("20260102_05:24"),
                reason: "test"
            )
            #expect(try site.index().contains("20260101_05:24"))
            #expect(try site.publisher().refresh().manifest == 6)
            _ = try site.publisher().rotate(.release)
            #expect(try site.check().manifest == 7)

            let fourth = try site.workshop.image(serial: "20260104_05:24", content: 4)
            _ = try site.publisher(after: 1).publish(images: [fourth], untested: true)
            let dropped = try other.publisher(after: 2).prune(Retention(count: 1, days: nil))
            #expect(dropped.dropped.map(\.serial.description).contains("20260101_05:24"))
            #expect(dropped.droppedBytes > big.count)
            #expect(try site.paths().contains("\(directory)/rootfs.squashfs"))
            // What the manifest before names stays, however old it is.
            let fifth = try site.workshop.image(serial: "20260105_05:24", content: 5)
            _ = try site.publisher(after: 3).publish(images: [fifth], untested: true)
            let removed = try site.publisher(after: 30).prune(Retention(count: nil, days: nil))
            #expect(removed.removed.contains(directory))
            #expect(try !site.paths().contains { $0.hasPrefix(directory) })
            #expect(try site.check(after: 3).builds >= 2)
        }
    }

    @Test("has one publisher at a time, wherever the others are; one that is gone for an hour is followed")
    func two() async throws {
        try await run { server in
            let site = try RemoteWorkshop(server, prefix: "two")
            var other = site
            other.copy = "other"
            let first = try site.publisher()
            let image = try site.workshop.image()
            // In the middle of one publication another one begins.
            let message = try first.work(roles: [.release, .freshness]) { tree, home throws(RootcellarError) in
                failure { _ = try other.publisher().publish(images: [image], untested: true) }
            }
            #expect(message?.errorClass == .repository && message?.reason.contains("another publisher") == true)
            _ = try other.publisher().publish(images: [image], untested: true)
            #expect(try site.check().builds == 1)

            // A claim of long ago, of somebody who is still there all the same.
            let slow = try site.publisher()
            let late = try site.workshop.image(serial: "20260102_05:24", content: 2)
            let lost = try slow.work(roles: [.release, .freshness]) { tree, home throws(RootcellarError) in
                let remote = try unwrap(slow.remote)
                try remote.announce(
                    version: 3,
                    manifest: SHA256Digest(hashing: [1]),
                    paths: ["rootcellar/manifest/3.signed"]
                )
                var old = try unwrap(remote.claim)
                old.renewed = old.renewed.adding(seconds: -4000)
                _ = try remote.store.put(Claim.path, try old.canonicalBytes())
                _ = failure { _ = try other.publisher().publish(images: [late], untested: true) }
                return failure { try remote.putPointer(tree.pointerBytes + [0x0A]) }
            }
            #expect(lost?.errorClass == .repository, "\(String(describing: lost))")
            let report = try site.check()
            #expect(report.builds == 2 && report.manifest == 3)
        }
    }

    @Test("is refused where the store writes under any condition")
    func lenient() async throws {
        try await run { server in
            try server.tell("lenient")
            let site = try RemoteWorkshop(server, prefix: "lenient", hasTree: false)
            let error = failure { try site.initialise() }
            #expect(error?.errorClass == .policy && error?.reason.contains("If-None-Match") == true)
            #expect(try site.paths() == [])
        }
    }

    @Test(
        "is of before or of after, whichever request fails and however, and the next publisher heals it",
        arguments: modes
    )
    func faults(_ mode: String) async throws {
        try await run { server in
            let site = try RemoteWorkshop(server, prefix: mode)
            _ = try site.publisher().publish(images: [try site.workshop.image()], untested: true)
            var serial = 1
            var number = 1
            var failed = 0
            // What the retries bear costs nothing to find out; the others are sampled outside of a soak.
            let isDeath = mode == "dead" || mode == "lastword"
            let step = Self.isSoaking ? 1 : isDeath ? 11 : 27
            var before = 2
            while true {
                serial += 1
                let image = try site.workshop.image(
                    serial:
                        "202602\(serial / 24 < 9 ? "0" : "")\(serial / 24 + 1)_\(serial % 24 < 10 ? "0" : "")\(serial % 24):00",
                    content: UInt64(serial)
                )
                let asked = try server.requests().count
                try server.tell("\(mode) \(number)")
                let error = failure {
                    _ = try site.publisher(tries: isDeath ? 1 : 5)
                        .publish(images: [image], untested: true)
                }
                let wasHit = try server.requests().dropFirst(asked).contains { $0.split(separator: " ")[1] == mode }
                try server.tell("none")
                let between = try site.check()
                let isNew = between.manifest > before
                if let error {
                    failed += 1
                    #expect(
                        [.transport, .policy, .repository].contains(error.errorClass),
                        "\(mode) \(number): \(error)"
                    )
                    #expect(!"\(error)".contains("planted"))
                } else {
                    #expect(isNew, "\(mode) \(number)")
                }
                // Whoever comes next, here or elsewhere, tidies up.
                var next = site
                if number.isMultiple(of: 2), !isDeath { next.copy = "next" }
                let refreshed = try next.publisher().refresh()
                #expect(refreshed.manifest >= between.manifest)
                let tidy = try site.check()
                #expect(tidy.leftovers == [] && tidy.builds == between.builds, "\(mode) \(number): \(tidy.leftovers)")
                #expect(try !site.paths().contains { $0.hasPrefix(".rootcellar") }, "\(mode) \(number)")
                #expect(try site.index().contains("2026020") == (tidy.builds > 1))
                before = tidy.manifest
                guard wasHit else { break }
                number += step
            }
            // Each of these sees both ends.
            #expect(number > 20)
            if ["busy", "drop", "lost", "slow"].contains(mode) { #expect(failed == 0) } else { #expect(failed > 0) }
        }
    }

    private func unwrap<Value>(_ value: Value?) throws(RootcellarError) -> Value {
        guard let value else { throw RootcellarError(.internal, "nothing there") }
        return value
    }
}
