// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("Pruning", .scratchDirectory)
struct PruneTests {
    /// A tree with this many builds of one image, and one of another.
    private func tree(_ builds: Int = 4) throws -> Workshop {
        let workshop = try Workshop()
        for number in 1...builds {
            try workshop.publish(try workshop.image(serial: "2026010\(number)_00:00", content: UInt64(number)))
        }
        try workshop.publish(try workshop.image("void/current/amd64", content: 99))
        return workshop
    }

    private func serials(_ workshop: Workshop) throws -> [String] {
        let tree = try CurrentTree(workshop.layout, keys: workshop.keys, now: Workshop.start)
        return try tree.shard("debian")?.images.flatMap { $0.builds.map(\.serial.description) } ?? []
    }

    @Test("keeps the newest, removes nothing at once, and everything nobody can ask for any more after the grace time")
    func count() throws {
        let workshop = try tree()
        let before = try workshop.contents()
        let report = try workshop.publisher.prune(try Retention(count: 2))
        #expect(report.dropped.map(\.serial.description) == ["20260101_00:00", "20260102_00:00"])
        #expect(report.droppedBytes > 2_000_000)
        #expect(report.removed == [])
        #expect(try serials(workshop) == ["20260103_00:00", "20260104_00:00"])
        #expect(try workshop.check().builds == 3)
        let after = try workshop.contents()
        for (path, _) in before where path.hasPrefix("images/") || path.hasPrefix("rootcellar/index/") {
            #expect(after[path] != nil, "\(path)")
        }
        #expect(try workshop.publisher.prune(try Retention(count: 2)).dropped == [])

        // Two more manifests, so that the one that still names them is neither in force nor the one before.
        for day in [1, 2] as [Int64] {
            _ = try workshop.publisher(after: day).setMirrors(["https://mirror\(day).example.org"])
        }
        #expect(try workshop.publisher(after: 7).prune(Retention()).removed.filter { $0.hasPrefix("images/") } == [])
        let dry = try workshop.publisher(after: 11).prune(Retention(), dryRun: true)
        #expect(try workshop.contents().keys.contains { $0.contains("20260101_00:00") })
        let final = try workshop.publisher(after: 11).prune(Retention())
        #expect(final.removed == dry.removed && final.removedBytes == dry.removedBytes)
        #expect(final.removed.count { $0.hasPrefix("images/") } == 2)
        #expect(final.removed.count { $0.hasPrefix("rootcellar/index/") } == 4)
        #expect(final.removedBytes > report.droppedBytes)
        #expect(try !workshop.contents().keys.contains { $0.contains("20260101_00:00") || $0.contains("2_00:00") })
        _ = try workshop.publisher(after: 11).refresh()
        let check = try workshop.check(now: Workshop.start.adding(seconds: 11 * 86400))
        #expect(check.builds == 3 && check.leftovers == [])
        #expect(try workshop.leftovers() == [])
    }

    @Test("can be of some images alone")
    func chosenImages() throws {
        let workshop = try tree()
        let one = try Retention(count: 1)
        let other = try ImageName(path: "void/current/amd64")
        #expect(try workshop.publisher.prune(one, images: [other]).dropped == [])
        let report = try workshop.publisher.prune(one, images: [other, try ImageName(path: "debian/bookworm/amd64")])
        #expect(report.dropped.count == 3)
    }

    @Test("tells of images what is published, and whether that was taken back")
    func published() throws {
        let workshop = try tree()
        let name = try ImageName(path: "debian/bookworm/amd64")
        let absent = try ImageName(path: "debian/sid/amd64")
        func find() throws -> [ImageName: PublishedImage] {
            try PublishedImages(tree: workshop.layout.top, now: Workshop.start).find([name, absent])
        }
        #expect(try find().keys.map(\.path) == [name.path])
        #expect(try find()[name]?.current?.serial.description == "20260104_00:00")
        _ = try workshop.publisher.revoke(name, try Serial("20260104_00:00"), reason: "bad")
        let image = try #require(find()[name])
        #expect(image.current?.serial.description == "20260103_00:00")
        #expect(image.latest.description == "20260104_00:00")
        // What is damaged is told, not passed over.
        let pointer = workshop.layout.path(TreePath.pointer)
        try write(read(pointer).dropLast(200) + Array(repeating: 0x41, count: 200), to: pointer)
        #expect(failure { _ = try find() } != nil)
    }

    @Test("takes age by the serial, and with both limits what is beyond both")
    func age() throws {
        var retention = try Retention(days: 10)
        let now = try Serial("20260121_00:00").time
        func build(_ day: Int) throws -> IndexShard.Build {
            let image = FileReference(of: [UInt8(day)])
            return IndexShard.Build(serial: try Serial("202601\(day)_00:00"), image: image, tested: false)
        }
        let builds = try [10, 11, 12, 20].map(build)
        func outdated(_ revoked: [Int] = []) throws -> [IndexShard.Build] {
            retention.outdated(builds, revoked: Set(revoked.map { builds[$0].image.sha256 }), now: now)
        }
        #expect(try outdated() == [builds[0]])
        retention = try Retention(count: 3, days: 10)
        #expect(try outdated() == [builds[0]])
        retention = try Retention(count: 4, days: 10)
        #expect(try outdated() == [])
        retention = try Retention(count: 1)
        #expect(try outdated() == Array(builds[..<3]))
        // What was taken back does not count, and the newest stays although it was.
        #expect(try outdated([3]) == Array(builds[..<2]))
        #expect(try outdated([1, 2, 3]) == [builds[1], builds[2]])
        #expect(try outdated([0, 1, 2, 3]) == Array(builds[..<3]))
        retention = try Retention()
        #expect(try outdated() == [])
        #expect(failure { _ = try Retention(count: 0) }?.errorClass == .usage)
        #expect(failure { _ = try Retention(days: -1) }?.errorClass == .usage)
    }

    @Test("never takes the last good build, however old it is")
    func lastGood() throws {
        let workshop = try tree(1)
        let report = try workshop.publisher.prune(try Retention(days: 1))
        #expect(report.dropped == [] && report.manifest == 3)
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 5))
        let name = try ImageName(path: "debian/bookworm/amd64")
        _ = try workshop.publisher.revoke(name, try Serial("20260105_00:00"), reason: "bad")
        #expect(try workshop.publisher.prune(try Retention(count: 1, days: 1)).dropped == [])
        #expect(try serials(workshop) == ["20260101_00:00", "20260105_00:00"])
    }

    @Test("101: refuses a catalogue that is empty, or broken in any place, and removes nothing")
    func broken() throws {
        let workshop = try Workshop()
        let empty = failure { _ = try workshop.publisher.prune(try Retention(count: 1)) }
        #expect(empty?.errorClass == .repository && empty?.reason.contains("empty") == true)
        for number in 1...3 {
            try workshop.publish(try workshop.image(serial: "2026010\(number)_00:00", content: UInt64(number)))
        }
        let files = try workshop.contents().filter { $0.key.hasPrefix("rootcellar/") && !$0.key.hasSuffix(".asc") }
        // Old manifests and indexes count, too: nobody could say what they protect.
        #expect(files.count >= 9)
        for (path, bytes) in files {
            let file = workshop.tree.appending(path)
            for changed in [[], Array(bytes.dropLast(9)), bytes.map { $0 == 0x22 ? 0x27 : $0 }] {
                try write(changed, to: file)
                for dryRun in [false, true] {
                    let fault = failure {
                        _ = try workshop.publisher(after: 20).prune(try Retention(count: 1), dryRun: dryRun)
                    }
                    #expect(fault?.errorClass == .repository, "\(path): \(fault?.description ?? "pruned")")
                    #expect(fault?.reason.contains("nothing was removed") == true, "\(path)")
                }
            }
            try write(bytes, to: file)
        }
        #expect(try workshop.check().builds == 3)
    }

    @Test("is finished by the next publisher where one dies in the middle of it")
    func interrupted() throws {
        let workshop = try tree(3)
        _ = try workshop.publisher.prune(try Retention(count: 1))
        for day in [1, 2] as [Int64] {
            _ = try workshop.publisher(after: day).setMirrors(["https://m\(day).example.org"])
        }
        var dying = workshop.publisher(after: 20)
        dying.stopsAfter = .removalJournalled
        #expect(failure { _ = try dying.prune(try Retention()) }?.reason.contains("stopped") == true)
        let now = Workshop.start.adding(seconds: 2 * 86400)
        let leftovers = try workshop.check(now: now).leftovers
        #expect(leftovers.count == 2 && leftovers.allSatisfy { $0.hasPrefix("images/debian/") })
        // A part of it is done.
        let journal = try #require(try Journal.read(workshop.layout))
        try Disk.remove(workshop.layout.path(try #require(journal.removals?.first)))
        _ = try workshop.check(now: now)
        _ = try workshop.publisher(after: 20).refresh()
        #expect(try workshop.leftovers() == [])
        #expect(try workshop.contents().keys.count { $0.hasSuffix("image.json") } == 2)
        #expect(try workshop.check(now: Workshop.start.adding(seconds: 20 * 86400)).builds == 2)
    }

    @Test("removes nothing by a journal's word that a publication cannot have made")
    func journal() throws {
        let workshop = try tree(1)
        try write([1], to: workshop.top.appending("outside"))
        try write([1], to: workshop.tree.appending("notes"))
        var journal = Journal(version: 1, paths: [])
        journal.removals = ["images/../../outside", "notes", ".rootcellar", "", "/", "images//x", "images/."]
        try journal.write(workshop.layout)
        _ = try workshop.publisher.refresh()
        #expect(Disk.exists(workshop.top.appending("outside")) && Disk.exists(workshop.tree.appending("notes")))
        try Disk.remove(workshop.tree.appending("notes"))
        #expect(try workshop.check().builds == 2)
    }
}
