// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("A publisher", .scratchDirectory)
struct PublisherTests {
    @Test("makes an empty tree that checks, with empty indexes and the root key beside the root document")
    func empty() throws {
        let workshop = try Workshop()
        let report = try workshop.check()
        #expect(report.server == "images.example.org")
        #expect(report.manifest == 1)
        #expect(report.images == 0)
        #expect(report.leftovers == [])
        let contents = try workshop.contents()
        for level in ["", ".5", ".6", ".7"] {
            for mode in ["system", "user"] {
                #expect(contents["meta/.1.0-1/index-\(mode)\(level)"] == [])
                #expect(contents["meta/.1.0-1/index-\(mode)\(level).asc"]?.isEmpty == false)
            }
        }
        #expect(contents["rootcellar/root/1.asc"] == (try workshop.keys.export(.root)))
        #expect(try workshop.leftovers() == [])
    }

    @Test("publishes builds that check, with an index line in the form that stock clients read")
    func publishes() throws {
        let workshop = try Workshop()
        let report = try workshop.publish(
            try workshop.image(),
            try workshop.image("alpine/3.21/arm64/cloud", serial: "20260102_00:00", content: 2)
        )
        #expect(report.manifest == 2)
        #expect(report.images.map(\.name) == ["debian/bookworm/amd64/default", "alpine/3.21/arm64/cloud"])
        let checked = try workshop.check()
        #expect(checked.images == 2)
        #expect(checked.builds == 2)
        #expect(checked.leftovers == [])
        let index = text(try read(workshop.tree.appending("meta/1.0/index-user.7")))
        #expect(
            index == """
                alpine;3.21;arm64;cloud;20260102_00:00;/images/alpine/3.21/arm64/cloud/20260102_00:00/
                debian;bookworm;amd64;default;20260101_05:24;/images/debian/bookworm/amd64/default/20260101_05:24/

                """
        )
        #expect(try workshop.leftovers() == [])
    }

    @Test("adds checksums that sha256sum accepts and signatures that gpg accepts")
    func forPeople() async throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        let directory = workshop.tree.appending("images/debian/bookworm/amd64/default/20260101_05:24")
        let sums = try await runProgram("sha256sum", ["--check", "--strict", "SHA256SUMS"], directory: directory)
        #expect(sums.status == 0)
        #expect(sums.output.split(separator: "\n").count == 6)
        let home = workshop.top.appending("gpg")
        try FileManager.default.createDirectory(
            atPath: home.string,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let key = text(try workshop.keys.export(.release))
        _ = try await runProgram("gpg", ["--homedir", home.string, "--batch", "--import"], input: key)
        for file in ["SHA256SUMS", "rootfs.tar.xz", "meta.tar.xz"] {
            let path = directory.appending(file).string
            let result = try await runProgram(
                "gpg",
                ["--homedir", home.string, "--batch", "--status-fd", "1", "--verify", path + ".asc", path]
            )
            #expect(result.status == 0)
            #expect(result.output.contains("VALIDSIG \(workshop.keys.release.hex)"))
        }
        _ = try await runProgram("gpgconf", ["--homedir", home.string, "--kill", "all"])
    }

    @Test("keeps older builds, names the newest in the index, and refuses what is not newer or not changed")
    func newer() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        try workshop.publish(try workshop.image(serial: "20260102_05:24", content: 2))
        let report = try workshop.check()
        #expect(report.images == 1)
        #expect(report.builds == 2)
        let index = text(try read(workshop.tree.appending("meta/1.0/index-system")))
        #expect(index.contains("20260102_05:24") && !index.contains("20260101_05:24"))
        let before = try workshop.contents()
        for serial in ["20260102_05:24", "20260102_05:23"] {
            let image = try workshop.image(serial: serial, content: 3)
            let fault = failure { try workshop.publish(image) }
            #expect(fault?.errorClass == .policy)
            #expect(fault?.reason.contains("not newer") == true)
        }
        let same = try workshop.image(serial: "20260103_05:24", content: 2)
        #expect(failure { try workshop.publish(same) }?.reason.contains("same content") == true)
        #expect(try workshop.contents() == before)
    }

    @Test("refuses what may not be published, and changes nothing")
    func refusals() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image("void/current/amd64"))
        let before = try workshop.contents()
        let good = try workshop.image()
        func refused(_ image: FilePath, _ errorClass: ErrorClass, _ line: Int = #line) throws {
            let fault = failure { try workshop.publish(image) }
            #expect(fault?.errorClass == errorClass, "line \(line): \(fault?.description ?? "accepted")")
            #expect(try workshop.contents() == before, "line \(line)")
            #expect(try workshop.leftovers() == [], "line \(line)")
        }
        try refused(try workshop.image(taints: ["source without signature"]), .policy)
        let untested = failure { _ = try workshop.publisher.publish(images: [good], untested: false) }
        #expect(untested?.errorClass == .policy)
        #expect(failure { try workshop.publish(good, good) }?.errorClass == .policy)
        #expect(failure { _ = try workshop.publisher.publish(images: [], untested: true) }?.errorClass == .usage)

        for (file, at) in [("rootfs.tar.xz", 0), ("rootfs.tar.zst", (1 << 20) + 1), ("meta.tar.xz", 299)] {
            let image = try workshop.image()
            var bytes = try read(image.appending(file))
            bytes[at] ^= 1
            try write(bytes, to: image.appending(file))
            try refused(image, .hash)
            try write(bytes + [0], to: image.appending(file))
            try refused(image, .size)
            try write(Array(bytes.dropLast()), to: image.appending(file))
            try refused(image, .size)
            try FileManager.default.removeItem(atPath: image.appending(file).string)
            try refused(image, .repository)
            try FileManager.default.createSymbolicLink(
                atPath: image.appending(file).string,
                withDestinationPath: good.appending(file).string
            )
            try refused(image, .repository)
        }
        try refused(try workshop.image { $0["rootfs.tar.xz"] = nil }, .repository)
        for name in [".hidden", "x.asc", "SHA256SUMS", "a b", "image.json", "index.html", "-x"] {
            try refused(try workshop.image { $0[name] = [1] }, .binding)
        }
        try refused(workshop.top.appending("nothing"), .repository)
        let broken = try workshop.image()
        try write(Array("{}".utf8), to: broken.appending("image.json"))
        try refused(broken, .binding)

        let others = try KeyStore.initialise(directory: workshop.top.appending("others"), name: "Other")
        let foreign = Publisher(tree: workshop.tree, keys: others, now: Workshop.start)
        #expect(failure { _ = try foreign.publish(images: [good], untested: true) }?.errorClass == .policy)
        var eternal = workshop.publisher
        eternal.validity = Validity(pointer: 400)
        #expect(failure { _ = try eternal.publish(images: [good], untested: true) }?.errorClass == .policy)
        let early = Publisher(tree: workshop.tree, keys: workshop.keys, now: Workshop.start.adding(seconds: -86400))
        #expect(failure { _ = try early.publish(images: [good], untested: true) }?.errorClass == .clock)
        let nowhere = Publisher(tree: workshop.top, keys: workshop.keys, now: Workshop.start)
        #expect(failure { _ = try nowhere.publish(images: [good], untested: true) }?.errorClass == .repository)
        #expect(!Disk.exists(workshop.top.appending(".rootcellar")))
        #expect(try workshop.contents() == before)
        try workshop.publish(good)
    }

    @Test("publishes a tainted build only when told so")
    func tainted() throws {
        let workshop = try Workshop()
        let image = try workshop.image(taints: ["no key"])
        var publisher = workshop.publisher
        publisher.allowsTaints = true
        #expect(try publisher.publish(images: [image], untested: true).manifest == 2)
    }

    @Test("publishes nothing when one signature cannot be made", arguments: [Role.release, .freshness])
    func noSignature(_ role: Role) async throws {
        let workshop = try Workshop()
        let home = workshop.keys.directory.appending("gnupg")
        let listed = try await runProgram(
            "gpg",
            ["--homedir", home.string, "--batch", "--with-colons", "--with-keygrip", "--list-keys"]
        )
        let lines = listed.output.split(separator: "\n").map(String.init)
        let at = try #require(lines.firstIndex { $0.contains(workshop.keys.fingerprint(role).hex) })
        let grip = try #require(lines[at...].first { $0.hasPrefix("grp:") }?.split(separator: ":").last)
        try FileManager.default.removeItem(atPath: home.appending("private-keys-v1.d/\(grip).key").string)
        let before = try workshop.contents()
        let image = try workshop.image()
        #expect(failure { try workshop.publish(image) }?.errorClass == .signature)
        #expect(try workshop.contents() == before)
        #expect(try workshop.leftovers() == [])
        _ = try await runProgram("gpgconf", ["--homedir", home.string, "--kill", "all"])
    }

    @Test("reads and writes only the shard of the distribution concerned")
    func onlyItsShard() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image("void/current/amd64"), try workshop.image())
        let shards = workshop.tree.appending("rootcellar/index")
        for name in try FileManager.default.contentsOfDirectory(atPath: shards.string)
        where text(try read(shards.appending(name))).contains("\"distribution\":\"void\"") {
            try write(Array("damaged".utf8), to: shards.appending(name))
        }
        try workshop.publish(try workshop.image(serial: "20260109_00:00", content: 9))
        let index = text(try read(workshop.tree.appending("meta/1.0/index-user")))
        #expect(index.contains("void;") && index.contains("20260109_00:00"))
        let next = try workshop.image("void/current/amd64", serial: "20260109_00:00", content: 10)
        #expect(failure { try workshop.publish(next) } != nil)
    }

    @Test("makes the indexes for stock clients anew when they are gone")
    func indexesGone() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        try Disk.remove(workshop.tree.appending("meta"))
        #expect(failure { _ = try workshop.check() } != nil)
        try workshop.publish(try workshop.image("void/current/amd64"))
        #expect(try workshop.check().images == 2)
    }

    @Test("renews what is published without changing it")
    func refresh() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        let index = try read(workshop.tree.appending("meta/1.0/index-user"))
        let later = Workshop.start.adding(seconds: 8 * 86400)
        #expect(failure { _ = try workshop.check(now: later) }?.errorClass == .freeze)
        let report = try Publisher(tree: workshop.tree, keys: workshop.keys, now: later).refresh()
        #expect(report.manifest == 2)
        #expect(report.validUntil == later.adding(seconds: 7 * 86400))
        let checked = try workshop.check(now: later)
        #expect(checked.builds == 1)
        #expect(checked.leftovers == [])
        #expect(try read(workshop.tree.appending("meta/1.0/index-user")) == index)
        // Once the manifest itself is near its end that is signed anew, too.
        let late = Workshop.start.adding(seconds: 170 * 86400)
        let renewed = try Publisher(tree: workshop.tree, keys: workshop.keys, now: late).refresh()
        #expect(renewed.manifest == 3)
        #expect(try workshop.check(now: late).manifest == 3)
    }

    @Test("gives everything modes that a web server can read")
    func modes() throws {
        let workshop = try Workshop()
        let image = try workshop.image()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600],
            ofItemAtPath: image.appending("rootfs.tar.xz").string
        )
        try workshop.publish(image)
        for path in try workshop.contents().keys where path != TreePath.legacyIndexes && path != TreePath.streams {
            #expect(mode(workshop.tree.appending(path)) == 0o644, "\(path)")
        }
        let directory = workshop.tree.appending("images/debian")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: directory.string)
        #expect(failure { _ = try workshop.check() }?.subject == "images/debian")
    }
}
