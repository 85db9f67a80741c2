// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Repository

#if canImport(Glibc)
import Glibc
#endif

/// Writes no more than what tells of which documents pages are.
struct MarkOnly: TreePages {
    func update(_ tree: PublishedState, files: some TreeFiles) throws(RootcellarError) {
        try files.write(Array("<dl data-of=\"\(tree.mark)\">".utf8), to: TreePath.Page.status)
    }
}

@Suite("A tree", .scratchDirectory)
struct InterruptionTests {
    @Test(
        "has pages of before when a publisher dies behind the pointer, which a check says and any next publisher mends",
        arguments: [Publisher.Step.pointer, .indexes]
    )
    func pages(_ step: Publisher.Step) throws {
        let workshop = try Workshop()
        #expect(try workshop.check().pagesAreCurrent == nil)
        var publisher = workshop.publisher
        publisher.pages = MarkOnly()
        let first = try workshop.image()
        _ = try publisher.publish(images: [first], untested: true)
        #expect(try workshop.check().pagesAreCurrent == true)
        var dying = publisher
        dying.stopsAfter = step
        let image = try workshop.image(serial: "20260105_00:00", content: 3)
        #expect(failure { _ = try dying.publish(images: [image], untested: true) }?.reason.contains("stopped") == true)
        #expect(try workshop.check().pagesAreCurrent == false)
        // Also one that has nothing to publish, or must not.
        #expect(failure { _ = try publisher.publish(images: [first], untested: true) }?.errorClass == .policy)
        let report = try workshop.check()
        #expect(report.pagesAreCurrent == true && report.manifest == 3)
        // A pointer that was renewed by a publisher without pages.
        _ = try workshop.publisher(after: 1).refresh()
        let later = Workshop.start.adding(seconds: 86400)
        #expect(try workshop.check(now: later).pagesAreCurrent == false)
        var next = workshop.publisher(after: 1)
        next.pages = MarkOnly()
        #expect(try next.prune(try Retention(count: 5, days: nil)).dropped == [])
        #expect(try workshop.check(now: later).pagesAreCurrent == true)
    }

    @Test(
        "is right wherever a publisher dies, and the next publisher leaves no trace of it",
        arguments: Publisher.Step.allCases.filter { $0 != .removalJournalled }
    )
    func dies(_ step: Publisher.Step) throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        var dying = workshop.publisher
        dying.stopsAfter = step
        let image = try workshop.image("void/current/amd64", serial: "20260102_00:00", content: 2)
        #expect(failure { _ = try dying.publish(images: [image], untested: true) }?.reason.contains("stopped") == true)
        let wasPublished = step == .pointer || step == .indexes
        let between = try workshop.check()
        #expect(between.manifest == (wasPublished ? 3 : 2))
        #expect(between.images == (wasPublished ? 2 : 1))

        // A publisher that refuses its work tidies up all the same, also one that would make patches first.
        let old = try workshop.image()
        var refusing = workshop.publisher
        refusing.deltas = 7
        #expect(failure { _ = try refusing.publish(images: [old], untested: true) }?.errorClass == .policy)
        let tidy = try workshop.check()
        #expect(tidy.leftovers == [])
        #expect(tidy.manifest == between.manifest)
        #expect(try workshop.leftovers() == [])
        let index = text(try read(workshop.tree.appending("meta/1.0/index-user")))
        #expect(index.contains("void") == wasPublished)

        if !wasPublished { try workshop.publish(image) }
        #expect(try workshop.check().images == 2)
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        #expect(try workshop.check().builds == 3)
    }

    @Test("is right when two publishers die one after the other, and when the same build is published again")
    func diesTwice() throws {
        let workshop = try Workshop()
        let image = try workshop.image()
        for step in [Publisher.Step.builds, .manifest, .signed, .shards] {
            var dying = workshop.publisher
            dying.stopsAfter = step
            #expect(failure { _ = try dying.publish(images: [image], untested: true) } != nil)
            #expect(try workshop.check().manifest == 1)
        }
        #expect(try workshop.publish(image).manifest == 2)
        #expect(try workshop.check().leftovers == [])
        #expect(try workshop.leftovers() == [])
    }

    @Test("98: is changed by one publisher at a time: another waits, or gives up with a clear word")
    func twoPublishers() throws {
        let workshop = try Workshop()
        let images = [
            try workshop.image("void/current/amd64", content: 1), try workshop.image("void/current/arm64", content: 2),
            try workshop.image("void/current/armhf", content: 3),
        ]
        let versions = Mutex<[Int]>([])
        onThreads(images.count) { number in
            let version = (try? workshop.publisher.publish(images: [images[number]], untested: true))?.manifest
            versions.withLock { $0.append(version ?? -1) }
        }
        #expect(versions.withLock { $0.sorted() } == [2, 3, 4])
        #expect(try workshop.check().images == 3)

        let lock = try TreeLock(workshop.layout, waiting: 0)
        var hasty = workshop.publisher
        hasty.lockSeconds = 0
        let image = try workshop.image()
        let fault = failure { _ = try hasty.publish(images: [image], untested: true) }
        withExtendedLifetime(lock) {}
        #expect(fault?.errorClass == .repository)
        #expect(fault?.reason.contains("another publisher") == true)
    }

    @Test("100: shows a reader whole sets only, while it is published to again and again")
    func reader() throws {
        let workshop = try Workshop()
        let images = try (1...6).map { number in
            try workshop.image(serial: "2026010\(number)_00:00", content: UInt64(number))
        }
        let observer = Observer(workshop)
        onThreads(2) { number in
            if number == 0 {
                for image in images {
                    do { try workshop.publish(image) } catch { observer.fault(String(describing: error)) }
                }
                observer.isDone.store(true, ordering: .releasing)
            } else {
                while !observer.isDone.load(ordering: .acquiring) { observer.look() }
                observer.look()
            }
        }
        #expect(observer.faults == [])
        #expect(observer.looks > 20)
        #expect(observer.newest == 7)
        #expect(try workshop.check().builds == 6)
    }
}

/// Reads a tree as a client does, by sizes and hashes.
private final class Observer: Sendable {
    let isDone = Atomic(false)
    private let state = Mutex((faults: [String](), looks: 0, newest: 0))
    private let workshop: Workshop

    init(_ workshop: Workshop) { self.workshop = workshop }

    var faults: [String] { state.withLock { $0.faults } }
    var looks: Int { state.withLock { $0.looks } }
    var newest: Int { state.withLock { $0.newest } }

    func fault(_ text: String) { state.withLock { $0.faults.append(text) } }

    func look() {
        do {
            let version = try signedSet()
            try legacySet()
            state.withLock {
                if version < $0.newest { $0.faults.append("version \(version) after \($0.newest)") }
                $0.newest = version
                $0.looks += 1
            }
        } catch { fault(String(describing: error)) }
    }

    private func signedSet() throws -> Int {
        func payload(_ path: String, _ kind: SignedFile.Kind) throws -> (bytes: [UInt8], payload: [UInt8]) {
            let bytes = try read(workshop.tree.appending(path))
            return (bytes, try SignedFile(reading: bytes, kind: kind, subject: path).payload)
        }
        let pointer = try Pointer(verified: payload(TreePath.pointer, .pointer).payload, subject: "pointer")
        let file = try payload(TreePath.manifest(pointer.manifest.version), .manifest)
        try pointer.manifest.file.check(file.bytes, subject: "manifest")
        let manifest = try Manifest(verified: file.payload, subject: "manifest")
        for (distribution, reference) in manifest.indexes {
            let shard = try CurrentTree.shard(
                distribution,
                reference,
                server: manifest.server,
                layout: workshop.layout
            )
            for (name, builds) in try shard.catalogue(subject: "shard") {
                for build in builds {
                    let path = TreePath.file(name, build.serial, ImageDocument.fileName)
                    let bytes = try read(workshop.tree.appending(path))
                    try build.image.check(bytes, subject: path)
                    let document = try ImageDocument(verified: bytes, subject: path)
                    for file in document.files.keys {
                        let there = Disk.exists(workshop.tree.appending(TreePath.file(name, build.serial, file)))
                        if !there { fault("\(path) without \(file)") }
                    }
                }
            }
        }
        return pointer.manifest.version
    }

    /// Every line of an index leads to files, whenever it is read.
    private func legacySet() throws {
        let index = text(try read(workshop.tree.appending("meta/1.0/index-user")))
        for line in index.split(separator: "\n") {
            guard let path = line.split(separator: ";").last?.dropFirst() else { continue }
            let there = Disk.exists(workshop.tree.appending(String(path)).appending("rootfs.tar.xz"))
            if !there { fault("no \(path)") }
        }
    }
}
