// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("A channel", .scratchDirectory)
struct ChannelTests {
    private func image(_ workshop: Workshop) throws -> (IndexShard.Image, Set<SHA256Digest>) {
        let tree = try CurrentTree(workshop.layout, keys: workshop.keys, now: Workshop.start)
        let shard = try #require(try tree.shard("debian"))
        return (shard.images[0], Set(tree.manifest.revoked.map(\.image)))
    }

    @Test("points to a build for everybody who knows no channels, keeps it, and can be asked what it was at some time")
    func stable() throws {
        let workshop = try Workshop()
        let name = try ImageName(path: "debian/bookworm/amd64")
        let serials = try (1...4).map { try Serial("2026010\($0)_00:00") }
        for (day, serial) in serials.enumerated() {
            let image = try workshop.image(serial: serial.description, content: UInt64(day)) {
                $0["incus.tar.xz"] = [UInt8(day)]
                $0["rootfs.squashfs"] = [1]
            }
            _ = try workshop.publisher(after: Int64(day)).publish(images: [image], untested: true)
        }
        let later = workshop.publisher(after: 10)
        let size = try Disk.size(workshop.tree.appending("images"))
        _ = try later.promote(name, serials[1], to: "stable")
        _ = try workshop.publisher(after: 12).promote(name, serials[2], to: "stable")
        _ = try workshop.publisher(after: 12).promote(name, to: "testing")
        #expect(try Disk.size(workshop.tree.appending("images")) == size)
        func shown() throws -> (String, String) {
            (
                text(try read(workshop.tree.appending("meta/1.0/index-user"))),
                text(try read(workshop.tree.appending("streams/v1/images.json")))
            )
        }
        #expect(try shown().0.contains(serials[2].description))
        #expect(try shown().1.contains("20260103_0000") && !shown().1.contains("20260104_0000"))

        func current(_ channel: String? = nil, day: Int64? = nil) throws -> Serial? {
            let (image, revoked) = try image(workshop)
            let time = day.map { Workshop.start.adding(seconds: $0 * 86400) }
            return image.current(channel: channel, asOf: time, revoked: revoked)?.serial
        }
        #expect(try current() == serials[2] && current("stable") == serials[2] && current("testing") == serials[3])
        #expect(try current("stable", day: 11) == serials[1] && current("stable", day: 9) == nil)
        #expect(try current("nightly") == nil)
        let (whole, _) = try image(workshop)
        var plain = whole
        plain.channels = nil
        #expect(plain.current(asOf: Workshop.start.adding(seconds: 2 * 86400 + 5), revoked: [])?.serial == serials[2])
        #expect(plain.current(asOf: Workshop.start.adding(seconds: -5), revoked: []) == nil)

        _ = try workshop.publisher(after: 13).revoke(name, serials[2], reason: "bad")
        #expect(try current() == serials[1])
        #expect(try shown().0.contains(serials[1].description) && !shown().1.contains("20260103_0000"))
        _ = try workshop.publisher(after: 13).promote(name, from: "testing", to: "stable")
        #expect(try current() == serials[3])
        #expect(try workshop.check(now: Workshop.start.adding(seconds: 13 * 86400)).builds == 4)
    }

    @Test("keeps what it points to from being pruned, and forgets what was")
    func pruned() throws {
        let workshop = try Workshop()
        let name = try ImageName(path: "debian/bookworm/amd64")
        let serials = try (1...4).map { try Serial("2026010\($0)_00:00") }
        for (day, serial) in serials.enumerated() {
            try workshop.publish(try workshop.image(serial: serial.description, content: UInt64(day)))
        }
        for serial in serials[..<2] { _ = try workshop.publisher.promote(name, serial, to: "stable") }
        _ = try workshop.publisher.prune(try Retention(count: 1))
        let (image, _) = try image(workshop)
        #expect(image.builds.map(\.serial) == [serials[1], serials[3]])
        #expect(image.steps(of: "stable").map(\.serial) == [serials[1]])
        _ = try workshop.check()
    }

    @Test("is refused for a build that is not there, was taken back, or is what it points to already")
    func refused() throws {
        let workshop = try Workshop()
        let name = try ImageName(path: "debian/bookworm/amd64")
        try workshop.publish(try workshop.image())
        let serial = try Serial("20260101_05:24")
        func fault(_ body: (Publisher) throws -> PublishReport) -> ErrorClass? {
            failure { _ = try body(workshop.publisher) }?.errorClass
        }
        _ = try workshop.publisher.promote(name, to: "stable")
        let before = try workshop.contents()
        #expect(fault { try $0.promote(name, serial, to: "stable") } == .policy)
        #expect(fault { try $0.promote(name, Serial("20260102_05:24"), to: "x") } == .policy)
        #expect(fault { try $0.promote(ImageName(path: "debian/sid/amd64"), to: "x") } == .policy)
        #expect(fault { try $0.promote(name, from: "testing", to: "x") } == .policy)
        #expect(fault { try $0.promote(name, to: "../x") } == .policy)
        #expect(try workshop.contents() == before)
        _ = try workshop.publisher.revoke(name, serial, reason: "bad")
        #expect(fault { try $0.promote(name, serial, to: "x") } == .policy)
    }
}
