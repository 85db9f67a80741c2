// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

#if canImport(Glibc)
import Glibc
#endif

@Suite("A copy of a tree", .scratchDirectory)
struct MirrorTests {
    private let copy = ScratchDirectory.path.appending("copy")

    private func mirror(
        _ workshop: Workshop,
        from source: (any TreeSource)? = nil,
        now: Timestamp = Workshop.start
    ) -> TreeMirror {
        let source = source ?? TreeDirectorySource(workshop.tree)
        return TreeMirror(source: source, tree: copy, fingerprint: workshop.keys.root, now: now)
    }

    private func check(_ workshop: Workshop, now: Timestamp = Workshop.start) throws -> CheckReport {
        try TreeCheck(tree: copy, fingerprint: workshop.keys.root, now: now).run()
    }

    /// What readers see of the copy, without manifests that were replaced before it was made.
    private func contents(_ workshop: Workshop, of tree: FilePath) throws -> [String: [UInt8]] {
        var workshop = workshop
        workshop.place = tree
        return try workshop.contents()
    }

    @Test("has the same files and signatures; later runs transfer what is new, whatever keys were changed")
    func same() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image(), try workshop.image("debian/trixie/amd64", content: 2))
        let first = try mirror(workshop).run()
        #expect(first.added.count == 2)
        var expected = try workshop.contents()
        expected["rootcellar/manifest/1.signed"] = nil
        #expect(try contents(workshop, of: copy) == expected)
        #expect(try check(workshop).leftovers == [])
        #expect(try mirror(workshop).run().transferred < 2000)
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        _ = try workshop.publisher.rotate(.release)
        _ = try workshop.reopened().publisher.rotate(.root)
        let second = try mirror(workshop).run()
        #expect(second.added == ["images/debian/bookworm/amd64/default/20260105_00:00"])
        #expect(second.transferred < 1_300_000)
        #expect(try check(workshop).root == 3)
        let grown = try contents(workshop, of: copy)
        #expect(
            try workshop.contents().filter { grown[$0.key] != $0.value }.keys.allSatisfy {
                $0.hasPrefix("rootcellar/manifest/")
            }
        )

        // What the publisher drops goes from the copy when nobody can be on the way to it any more.
        let later = Workshop.start.adding(seconds: 20 * 86400)
        var publisher = try workshop.reopened().publisher(after: 20)
        publisher.deltas = 0
        _ = try publisher.prune(try Retention(count: 1, days: nil))
        #expect(try mirror(workshop, now: later).run().removed.allSatisfy { !$0.hasPrefix("images/") })
        let last = Workshop.start.adding(seconds: 40 * 86400)
        _ = try workshop.reopened().publisher(after: 40).setMirrors([])
        let third = try mirror(workshop, now: last).run()
        #expect(third.removed.contains("images/debian/bookworm/amd64/default/20260101_05:24"))
        #expect(try check(workshop, now: last).builds == 2)
    }

    @Test("is right wherever a run is killed, and the next one transfers no build again", arguments: [0, 1, 2])
    func killed(_ builds: Int) throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        _ = try mirror(workshop).run()
        try workshop.publish(
            try workshop.image("debian/trixie/amd64", content: 2),
            try workshop.image("debian/sid/amd64", content: 4),
            try workshop.image("alpine/3.21/amd64", content: 5)
        )
        var dying = mirror(workshop)
        dying.stopsAfter = builds
        #expect(failure { _ = try dying.run() }?.reason.contains("stopped") == true)
        #expect(try check(workshop).builds == 1)
        let next = try mirror(workshop).run()
        #expect(next.added.count == 3)
        #expect(next.transferred < 20_000)
        #expect(try check(workshop).builds == 4)
        #expect(try check(workshop).leftovers == [])
    }

    @Test("stays as it was when its source lies, is behind, or is somebody else's")
    func lies() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        let old = workshop.top.appending("old")
        try copyTree(workshop.tree, old)
        try workshop.publish(try workshop.image("debian/trixie/amd64", content: 2))
        _ = try mirror(workshop).run()
        let before = try contents(workshop, of: copy)
        #expect(failure { _ = try mirror(workshop, from: TreeDirectorySource(old)).run() }?.errorClass == .rollback)
        try workshop.publish(try workshop.image("alpine/3.21/amd64", content: 5))
        let build = "images/alpine/3.21/amd64/default/20260101_05:24"
        let manifest = TreePath.manifest(4)
        for path in [
            "\(build)/rootfs.tar.zst", "\(build)/image.json", "\(build)/meta.tar.xz.asc", manifest, TreePath.pointer,
            "meta/1.0/index-user", "meta/1.0/index-system.5.asc", "streams/v1/images.json", "streams/v1/index.sjson",
        ] {
            let isOften = [TreePath.pointer, "\(build)/rootfs.tar.zst", "streams/v1/index.sjson"].contains(path)
            for change in isOften ? [LyingSource.Change.flip, .cut, .missing] : [.flip] {
                let source = LyingSource(workshop.tree, path: path, change: change)
                #expect(failure { _ = try mirror(workshop, from: source).run() } != nil, "\(path) \(change)")
                #expect(try contents(workshop, of: copy) == before, "\(path) \(change)")
            }
        }
        let stranger = try KeyStore.initialise(directory: workshop.top.appending("stranger"), name: "Other").root
        let foreign = TreeMirror(
            source: TreeDirectorySource(workshop.tree),
            tree: workshop.top.appending("other"),
            fingerprint: stranger,
            now: Workshop.start
        )
        #expect(failure { _ = try foreign.run() }?.errorClass == .signature)
        let late = Workshop.start.adding(seconds: 30 * 86400)
        #expect(failure { _ = try mirror(workshop, now: late).run() }?.errorClass == .freeze)
        #expect(try contents(workshop, of: copy) == before)
        #expect(try mirror(workshop).run().added == [build])
        #expect(try check(workshop).builds == 3)
    }

    @Test("can be a part, signed by another publisher, who takes back what the first one does")
    func resigned() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image(), try workshop.image("debian/trixie/arm64", content: 2))
        try workshop.publish(try workshop.image(serial: "20260105_00:00", content: 3))
        let keys = try KeyStore.initialise(directory: workshop.top.appending("mine"), name: "Mine")
        try TreeInitialiser.initialise(tree: copy, keys: keys, id: "mirror.example.org", now: Workshop.start)
        var publisher = Publisher(tree: copy, keys: keys, now: Workshop.start)
        publisher.deltas = 0
        var filter = MirrorFilter()
        filter.architectures = ["amd64"]
        let first = try mirror(workshop).run(filter, publishing: publisher)
        #expect(first.added.count == 2)
        func check() throws -> CheckReport {
            try TreeCheck(tree: copy, fingerprint: keys.root, now: Workshop.start).run()
        }
        #expect(try check().builds == 2)
        let idle = try mirror(workshop).run(filter, publishing: publisher)
        #expect((idle.added, idle.manifest) == ([], first.manifest))
        let name = try ImageName(path: "debian/bookworm/amd64")
        _ = try workshop.publisher.revoke(name, try Serial("20260105_00:00"), reason: "a bad library")
        #expect(try mirror(workshop).run(filter, publishing: publisher).removed.count == 1)
        let tree = try CurrentTree(TreeLayout(top: copy), keys: keys, now: Workshop.start)
        #expect(tree.manifest.revoked.map(\.reason) == ["a bad library"])
        #expect(try check().leftovers == [])
    }

    @Test("gets pages of its own, which are made of what was copied, and anew where they are of before")
    func pages() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        func run() throws -> MirrorReport {
            var mirror = mirror(workshop)
            mirror.pages = MarkOnly()
            return try mirror.run()
        }
        #expect(try run().pagesFault == nil)
        #expect(try check(workshop).pagesAreCurrent == true)
        try workshop.publish(try workshop.image("debian/trixie/amd64", content: 2))
        _ = try mirror(workshop).run()
        #expect(try check(workshop).pagesAreCurrent == false)
        #expect(try run().added == [])
        #expect(try check(workshop).pagesAreCurrent == true)
    }

    @Test(
        "that is signed anew calls builds tested only if told to take the other publisher's word",
        arguments: [true, false]
    )
    func tests(_ accepts: Bool) throws {
        let workshop = try Workshop()
        let tested = try workshop.image()
        try workshop.addTests(to: tested)
        _ = try workshop.publisher.publish(images: [tested], untested: false)
        try workshop.publish(try workshop.image("debian/trixie/amd64", content: 2))
        let keys = try KeyStore.initialise(directory: workshop.top.appending("mine"), name: "Mine")
        try TreeInitialiser.initialise(tree: copy, keys: keys, id: "mirror.example.org", now: Workshop.start)
        var publisher = Publisher(tree: copy, keys: keys, now: Workshop.start)
        publisher.deltas = 0
        var mirror = mirror(workshop)
        mirror.acceptsTests = accepts
        #expect(try mirror.run(MirrorFilter(), publishing: publisher).added.count == 2)
        let shard = try CurrentTree(TreeLayout(top: copy), keys: keys, now: Workshop.start).shard("debian")
        let marks = try #require(shard).images.map { ($0.release, $0.builds.map(\.tested)) }
        #expect(marks.map(\.0) == ["bookworm", "trixie"] && marks.map(\.1) == [[accepts], [false]])
        #expect(try TreeCheck(tree: copy, fingerprint: keys.root, now: Workshop.start).run().builds == 2)
    }

    @Test("that is signed anew leaves out what nobody vouches for, unless told to take it")
    func tainted() throws {
        let workshop = try Workshop()
        var careless = workshop.publisher
        careless.allowsTaints = true
        let images = [
            try workshop.image(taints: ["no key"]), try workshop.image("debian/trixie/amd64", content: 2),
        ]
        _ = try careless.publish(images: images, untested: true)
        let keys = try KeyStore.initialise(directory: workshop.top.appending("mine"), name: "Mine")
        try TreeInitialiser.initialise(tree: copy, keys: keys, id: "mirror.example.org", now: Workshop.start)
        var publisher = Publisher(tree: copy, keys: keys, now: Workshop.start)
        publisher.deltas = 0
        let strict = try mirror(workshop).run(MirrorFilter(), publishing: publisher)
        #expect(strict.added.map { $0.contains("trixie") } == [true])
        publisher.allowsTaints = true
        let all = try mirror(workshop).run(MirrorFilter(), publishing: publisher)
        #expect(all.added.map { $0.contains("bookworm") } == [true])
    }

    @Test(
        "is carried in one file, and continued by a receipt; a file that is damaged, cut, old or another's is refused"
    )
    func exported() throws {
        let workshop = try Workshop()
        try workshop.publish(try workshop.image())
        func export(_ name: String, since receipt: MirrorReceipt? = nil) throws -> FilePath {
            let path = workshop.top.appending(name)
            let file = try FileDescriptor.open(path, .readWrite, options: .create, permissions: .ownerReadWrite)
            defer { try? file.close() }
            let export = TreeExport(tree: workshop.tree, fingerprint: workshop.keys.root, now: Workshop.start)
            _ = try export.run(to: file, since: receipt)
            return path
        }
        func take(_ file: FilePath) throws -> MirrorReceipt {
            try TreeImport(file, tree: copy, fingerprint: workshop.keys.root, now: Workshop.start).run().receipt
        }
        let whole = try export("whole")
        let receipt = try take(whole)
        #expect(try check(workshop).builds == 1)
        #expect(try take(whole) == receipt)
        try workshop.publish(
            try workshop.image("debian/trixie/amd64", content: 2) { $0["rootfs.tar.zst"] = [1, 2, 3] }
        )
        let next = try export("next", since: receipt)
        let bytes = try read(next)
        #expect(bytes.count < 120_000)
        let before = try contents(workshop, of: copy)
        var random = SeededGenerator(seed: 3)
        let damaged = workshop.top.appending("damaged")
        for round in 0..<24 {
            var changed = bytes
            let place = Int(random.next() % UInt64(bytes.count))
            if round % 3 == 0 {
                changed = Array(bytes[..<place])
            } else {
                changed[place] ^= 1 << UInt8(random.next() % 8)
            }
            try write(changed, to: damaged)
            #expect(failure { _ = try take(damaged) } != nil, "\(place)")
            #expect(try contents(workshop, of: copy) == before, "\(place)")
        }
        try write(bytes + [0], to: damaged)
        #expect(failure { _ = try take(damaged) }?.errorClass == .size)
        let elsewhere = failure {
            let other = workshop.top.appending("elsewhere")
            _ = try TreeImport(next, tree: other, fingerprint: workshop.keys.root, now: Workshop.start).run()
        }
        #expect(elsewhere?.errorClass == .policy)
        let second = try take(next)
        #expect((second.manifest, try check(workshop).builds) == (3, 2))
        #expect(failure { _ = try take(whole) }?.errorClass == .rollback)
        var foreign = second
        foreign.server = "other.example.org"
        #expect(failure { _ = try export("x", since: foreign) }?.errorClass == .policy)
        #expect(try check(workshop).leftovers == [])
    }

    @Test("of simplestreams is checked by the hashes in it, whole or in part")
    func streams() throws {
        let source = ScratchDirectory.path.appending("source")
        let body = Array("metadata".utf8)
        let hash = SHA256Digest(hashing: body)
        func product(_ os: String) -> String {
            let item =
                "{\"ftype\":\"lxd.tar.xz\",\"path\":\"images/\(os)/lxd.tar.xz\",\"size\":8,\"sha256\":\"\(hash)\"}"
            return
                "{\"arch\":\"amd64\",\"os\":\"\(os)\",\"odd\":1.5,\"versions\":{\"20260101_0000\":{\"items\":{\"x\":\(item)}}}}"
        }
        for name in ["images/Tiny", "images/Other", "streams/v1"] {
            try Disk.makeDirectories("source/\(name)", below: ScratchDirectory.path)
        }
        for os in ["Tiny", "Other"] { try write(body, to: source.appending("images/\(os)/lxd.tar.xz")) }
        let index =
            "{\"index\":{\"images\":{\"datatype\":\"image-downloads\",\"path\":\"streams/v1/images.json\",\"products\":[\"a\"]}}}"
        let images = "{\"products\": {\"a\":\(product("Tiny")),\"b\":\(product("Other"))}}"
        try write(Array(index.utf8), to: source.appending("streams/v1/index.json"))
        try write(Array(images.utf8), to: source.appending("streams/v1/images.json"))
        let mirror = StreamsMirror(source: TreeDirectorySource(source), tree: copy, now: Workshop.start)
        #expect(try mirror.run(MirrorFilter()).added == ["images/Other/lxd.tar.xz", "images/Tiny/lxd.tar.xz"])
        #expect(text(try read(copy.appending("streams/v1/images.json"))) == images)
        #expect(try mirror.run(MirrorFilter()).added == [])
        var filter = MirrorFilter()
        filter.distributions = ["tiny"]
        #expect(try mirror.run(filter).added == [])
        let part = text(try read(copy.appending("streams/v1/images.json")))
        #expect(part.contains("Tiny") && part.contains("\"odd\":1.5") && !part.contains("Other"))
        let later = StreamsMirror(
            source: TreeDirectorySource(source),
            tree: copy,
            now: Workshop.start.adding(seconds: 90_000)
        )
        #expect(try later.run(filter).removed == ["images/Other/lxd.tar.xz"])
        for bad in ["../x", "/etc/x", "streams/v1/index.json", "images/.x", "a//b", "images/%2e/x"] {
            let changed = images.replacing("images/Tiny/lxd.tar.xz", with: bad)
            try write(Array(changed.utf8), to: source.appending("streams/v1/images.json"))
            #expect(failure { _ = try mirror.run(MirrorFilter()) }?.errorClass == .binding, "\(bad)")
        }
        try write(Array(images.utf8), to: source.appending("streams/v1/images.json"))
        try write(Array("metadatA".utf8), to: source.appending("images/Other/lxd.tar.xz"))
        #expect(failure { _ = try mirror.run(MirrorFilter()) }?.errorClass == .hash)
        #expect(text(try read(copy.appending("streams/v1/images.json"))) == part)
    }
}

/// A directory with one file that is not what it should be.
private struct LyingSource: TreeSource {
    enum Change { case flip, cut, missing }

    private let inner: TreeDirectorySource
    private let path: String
    private let change: Change

    init(_ top: FilePath, path: String, change: Change) {
        inner = TreeDirectorySource(top)
        self.path = path
        self.change = change
    }

    var address: String { inner.address }

    func url(of path: String) -> String { inner.url(of: path) }

    func get(_ path: String, limit: Int, exactSize: Int?, etag: String?) throws(RootcellarError) -> GetResult {
        let answer = try inner.get(path, limit: limit, exactSize: exactSize, etag: etag)
        guard path == self.path, case .found(var bytes, _) = answer else { return answer }
        switch change {
        case .missing: return .missing
        case .cut: bytes.removeLast()
        case .flip: bytes[bytes.count / 2] ^= 1
        }
        return .found(bytes: bytes, etag: nil)
    }

    func stream(
        _ path: String,
        from offset: Int,
        size: Int,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        guard path == self.path else { return try inner.stream(path, from: offset, size: size, sink: sink) }
        guard case .found(let bytes, _) = try get(path, limit: size, exactSize: nil, etag: nil) else {
            throw RootcellarError(.transport, "no such file", subject: path)
        }
        if offset < bytes.count { try sink(unsafe bytes.span.bytes.extracting(droppingFirst: offset)) }
    }
}

/// Copies a tree with its links.
private func copyTree(_ from: FilePath, _ to: FilePath) throws {
    try Disk.makeDirectory(to)
    for name in try Disk.members(from) where name != TreeLayout.hidden {
        let member = from.appending(name)
        if let target = Disk.linkTarget(member) {
            try #require(unsafe symlink(target, to.appending(name).string) == 0)
        } else if Disk.isDirectory(member) {
            try copyTree(member, to.appending(name))
        } else {
            try write(try read(member), to: to.appending(name))
        }
    }
}
