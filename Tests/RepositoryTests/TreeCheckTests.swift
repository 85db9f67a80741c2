// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("A check", .scratchDirectory)
struct TreeCheckTests {
    /// Files, and of the indexes for stock clients, which are all the same, two.
    private func isOfInterest(_ path: String) -> Bool {
        if path.hasPrefix("meta/.1.0-") { return path.contains("index-system.5") || path.contains("index-user.7") }
        return path != TreePath.legacyIndexes && path != TreePath.streams
    }

    private func tree() throws -> Workshop {
        let workshop = try Workshop()
        let image = try workshop.image {
            $0["rootfs.tar.zst"] = Array($0.keys.joined().utf8)
            $0["incus.tar.xz"] = [1, 2, 3]
            $0["rootfs.squashfs"] = [4, 5, 6]
        }
        try workshop.publish(image)
        return workshop
    }

    /// Writes a file of its own: the indexes for stock clients are one file under many names.
    private func replace(_ bytes: [UInt8], at file: FilePath) throws {
        try? FileManager.default.removeItem(atPath: file.string)
        try write(bytes, to: file)
    }

    @Test("names the file in which any byte was changed")
    func everyByte() throws {
        let workshop = try tree()
        var random = SeededGenerator()
        for (path, bytes) in try workshop.contents().sorted(by: { $0.key < $1.key }) where isOfInterest(path) {
            let file = workshop.tree.appending(path)
            var offsets = Set([0, bytes.count - 1])
            if bytes.count > 0 { offsets.insert(Int.random(in: 0..<bytes.count, using: &random)) }
            for offset in offsets where bytes.indices.contains(offset) {
                var changed = bytes
                changed[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                try replace(changed, at: file)
                let fault = failure { _ = try workshop.check() }
                #expect(
                    names(fault, path),
                    "\(path) at \(offset), seed \(random.seed): \(fault?.description ?? "passed")"
                )
            }
            try replace(bytes, at: file)
        }
        _ = try workshop.check()
    }

    @Test("names the file that was cut, lengthened or removed")
    func everyLength() throws {
        let workshop = try tree()
        for (path, bytes) in try workshop.contents().sorted(by: { $0.key < $1.key }) where isOfInterest(path) {
            let file = workshop.tree.appending(path)
            for changed in [Array(bytes.dropLast()), bytes + [0x0A]] where changed != bytes {
                try replace(changed, at: file)
                let fault = failure { _ = try workshop.check() }
                #expect(names(fault, path), "\(path): \(fault?.description ?? "passed")")
            }
            try replace(bytes, at: file)
            // Old manifests are pruned some day.
            if path == TreePath.manifest(1) { continue }
            try FileManager.default.removeItem(atPath: file.string)
            let fault = failure { _ = try workshop.check() }
            let isNamed = names(fault, path) || path == TreePath.pointer || path == TreePath.root(1)
            #expect(fault != nil && isNamed, "\(path): \(fault?.description ?? "passed")")
            try replace(bytes, at: file)
        }
        _ = try workshop.check()
    }

    /// A root document and the keys beside it are named for each other: which of them is wrong cannot be known.
    private func names(_ fault: RootcellarError?, _ path: String) -> Bool {
        guard let fault else { return false }
        if path.hasPrefix("rootcellar/root/") { return fault.subject.contains("rootcellar/root/1.") }
        return fault.subject.hasSuffix(path)
    }

    @Test("names what does not belong there: a file, a link, an older manifest's pointer, a stray directory of indexes")
    func strays() throws {
        let workshop = try tree()
        func stray(_ path: String, _ make: (FilePath) throws -> Void) throws {
            try make(workshop.tree.appending(path))
            #expect(failure { _ = try workshop.check() }?.subject == path)
            try Disk.remove(workshop.tree.appending(path))
            _ = try workshop.check()
        }
        let build = "images/debian/bookworm/amd64/default/20260101_05:24"
        for path in [
            "x", ".x", "\(build)/x", "\(build)/image.json.tmp", "\(build)/build.log.asc",
            "rootcellar/manifest/3.signed",
            "rootcellar/index/x.json", "meta/1.0/index-user.8", "rootcellar/root/1.sig", "streams/v1/images.json.gz",
            "streams/v2",
        ] {
            let real = path.replacing("meta/1.0/", with: "meta/.1.0-2/").replacing(
                "streams/v1/",
                with: "streams/.v1-2/"
            )
            try stray(real) { try write([1], to: $0) }
        }
        try stray("\(build)/link") {
            try FileManager.default.createSymbolicLink(atPath: $0.string, withDestinationPath: "image.json")
        }
        try stray("meta/.1.0-1/index-user") {
            try FileManager.default.createDirectory(
                atPath: $0.removingLastComponent().string,
                withIntermediateDirectories: true
            )
            try write([], to: $0)
        }
    }

    @Test("refuses a published file that is a link")
    func link() throws {
        let workshop = try tree()
        let path = "images/debian/bookworm/amd64/default/20260101_05:24/meta.tar.xz"
        let copy = workshop.top.appending("copy")
        try FileManager.default.moveItem(atPath: workshop.tree.appending(path).string, toPath: copy.string)
        try FileManager.default.createSymbolicLink(
            atPath: workshop.tree.appending(path).string,
            withDestinationPath: copy.string
        )
        #expect(failure { _ = try workshop.check() }?.subject.hasSuffix(path) == true)
    }

    @Test("refuses an older pointer over a newer tree, indexes of another manifest, and two trees mixed")
    func mixed() throws {
        let workshop = try tree()
        let old = try read(workshop.tree.appending(TreePath.pointer))
        try workshop.publish(try workshop.image(serial: "20260102_00:00", content: 2))
        let new = try read(workshop.tree.appending(TreePath.pointer))
        try write(old, to: workshop.tree.appending(TreePath.pointer))
        #expect(failure { _ = try workshop.check() } != nil)
        try write(new, to: workshop.tree.appending(TreePath.pointer))
        _ = try workshop.check()

        let index = workshop.tree.appending("meta/1.0/index-user")
        let bytes = try read(index)
        let empty = workshop.top.appending("empty")
        // These keys would not begin the same server anew; somebody with a copy of them does.
        try Disk.remove(workshop.keys.directory.appending("signed.json"))
        try TreeInitialiser.initialise(tree: empty, keys: workshop.keys, id: "images.example.org", now: Workshop.start)
        // The signatures of another tree's indexes are good ones, by the same key.
        for ending in ["", ".asc"] {
            try write(
                try read(empty.appending("meta/1.0/index-user" + ending)),
                to: workshop.tree.appending("meta/1.0/index-user" + ending)
            )
        }
        #expect(failure { _ = try workshop.check() }?.errorClass == .binding)
        try write(bytes, to: index)
        #expect(failure { _ = try workshop.check() }?.errorClass == .signature)
    }

    @Test("refuses another root key, and tells what has expired or comes from the future")
    func time() throws {
        let workshop = try tree()
        for key in [workshop.keys.release, try Fingerprint(String(repeating: "AB", count: 20))] {
            let check = TreeCheck(tree: workshop.tree, fingerprint: key, now: Workshop.start)
            #expect(failure { _ = try check.run() }?.errorClass == .signature)
        }
        func faultAfter(_ days: Int64) -> RootcellarError? {
            failure { _ = try workshop.check(now: Workshop.start.adding(seconds: days * 86400 + 5)) }
        }
        #expect(faultAfter(6) == nil)
        #expect(faultAfter(7)?.errorClass == .freeze)
        #expect(faultAfter(7)?.subject == TreePath.pointer)
        #expect(faultAfter(365)?.subject == TreePath.root(1))
        #expect(faultAfter(-1)?.errorClass == .clock)
        let nothing = TreeCheck(tree: workshop.top, fingerprint: workshop.keys.root, now: Workshop.start)
        #expect(failure { _ = try nothing.run() }?.errorClass == .repository)
    }

    @Test("works on a copy of a tree without the publisher's own files")
    func copy() async throws {
        let workshop = try tree()
        try Disk.remove(workshop.tree.appending(".rootcellar"))
        #expect(try workshop.check().images == 1)
    }
}
