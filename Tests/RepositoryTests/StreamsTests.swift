// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("The catalogue for LXD and Incus", .scratchDirectory)
struct StreamsTests {
    func catalogue(_ workshop: Workshop) throws -> ReadCatalogue {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let bytes = try read(workshop.tree.appending("streams/v1/images.json"))
        return try decoder.decode(ReadCatalogue.self, from: Data(bytes))
    }

    func index(_ workshop: Workshop, _ name: String = "index.json") throws -> ReadIndex {
        var text = text(try read(workshop.tree.appending("streams/v1/\(name)")))
        if let start = text.firstIndex(of: "{"), let end = text.firstRange(of: "\n-----BEGIN PGP SIGNATURE") {
            text = String(text[start..<end.lowerBound])
        }
        return try JSONDecoder().decode(ReadIndex.self, from: Data(text.utf8))
    }

    func image(
        _ workshop: Workshop,
        _ name: String = "debian/bookworm/amd64",
        day: Int = 1,
        content: UInt64? = nil,
        change: (inout [String: [UInt8]]) -> Void = { _ in }
    ) throws -> FilePath {
        var random = SeededGenerator(seed: (content ?? UInt64(day)) &* 7919)
        let (metadata, squashfs) = (random.bytes(400), random.bytes(5000))
        return try workshop.image(name, serial: "2026010\(day)_05:24", content: UInt64(day)) {
            $0["incus.tar.xz"] = metadata
            $0["rootfs.squashfs"] = squashfs
            change(&$0)
        }
    }

    @Test("has everything that both programs and mirrors need, of the right type")
    func complete() throws {
        let workshop = try Workshop()
        #expect(try index(workshop).index.isEmpty)
        let source = try image(workshop)
        try workshop.publish(source)
        let found = try catalogue(workshop)
        #expect(found.format == "products:1.0" && found.contentId == "images" && found.datatype == "image-downloads")
        let product = try #require(found.products["debian:bookworm:amd64:default"])
        #expect(product.aliases == "debian/bookworm/default,debian/bookworm" && product.arch == "amd64")
        #expect(product.os == "Debian" && product.release == "bookworm" && product.variant == "default")
        #expect(Array(product.versions.keys) == ["20260101_0524"])
        let items = try #require(product.versions["20260101_0524"]).items
        #expect(Set(items.keys) == ["incus.tar.xz", "lxd.tar.xz", "root.tar.xz", "squashfs"])
        for (key, item) in items {
            #expect(item.ftype == key)
            let bytes = try read(workshop.tree.appending(item.path))
            #expect(item.size == bytes.count && item.sha256 == SHA256Digest(hashing: bytes).description)
        }
        var lxd = try #require(items["lxd.tar.xz"])
        let incus = try #require(items["incus.tar.xz"])
        lxd.ftype = incus.ftype
        #expect(lxd == incus)
        let metadata = try read(source.appending("incus.tar.xz"))
        func combined(_ file: String) throws -> String {
            SHA256Digest(hashing: metadata + (try read(source.appending(file)))).description
        }
        #expect(try incus.combinedSquashfsSha256 == combined("rootfs.squashfs"))
        #expect(try incus.combinedRootxzSha256 == combined("rootfs.tar.xz"))
        #expect(try incus.combinedSha256 == combined("rootfs.tar.xz"))

        for (name, ending) in [("index.json", "json"), ("index.sjson", "sjson")] {
            let index = try index(workshop, name)
            let entry = try #require(index.index["images"])
            #expect(index.format == "index:1.0" && entry.format == "products:1.0")
            #expect(entry.datatype == "image-downloads" && entry.path == "streams/v1/images.\(ending)")
            #expect(entry.products == ["debian:bookworm:amd64:default"])
        }
        _ = try workshop.check()
    }

    @Test("is signed in the two forms that gpg itself takes, with one header line")
    func signatures() async throws {
        let workshop = try Workshop()
        try workshop.publish(try image(workshop))
        let home = workshop.top.appending("g")
        try Disk.makeDirectory(home, mode: 0o700)
        try write(try workshop.keys.export(.release), to: home.appending("key.asc"))
        let script = """
            cd "$2"; gpg="gpg --homedir $1 --batch --quiet --trust-model always"
            $gpg --import "$1/key.asc"
            for name in index images; do
                $gpg --verify "$name.json.gpg" "$name.json"
                $gpg --output "$1/$name" --verify "$name.sjson"
                test "$(sed -n 2,3p "$name.sjson")" = "Hash: SHA512"
            done
            cmp "$1/images" images.json; sed 's/images[.]json/images.sjson/' index.json | cmp - "$1/index"
            gpgconf --homedir "$1" --kill all
            """
        let directory = workshop.tree.appending("streams/v1").string
        let result = try await runProgram("sh", ["-euc", script, "sh", home.string, directory])
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test("carries builds over, and loses those that were taken back or pruned")
    func carriedOver() throws {
        let workshop = try Workshop()
        for day in 1...3 { try workshop.publish(try image(workshop, day: day)) }
        try workshop.publish(
            try image(workshop, "debian-ports/sid/amd64", content: 8),
            try image(workshop, "alpine/3/arm64", day: 2, content: 9)
        )
        let before = try catalogue(workshop)
        #expect(
            before.products.keys.sorted() == [
                "alpine:3:arm64:default", "debian-ports:sid:amd64:default", "debian:bookworm:amd64:default",
            ]
        )
        #expect(try index(workshop).index["images"]?.products == before.products.keys.sorted())
        #expect(before.products["debian:bookworm:amd64:default"]?.versions.count == 3)
        let name = try ImageName(path: "debian/bookworm/amd64")
        _ = try workshop.publisher.revoke(name, try Serial("20260103_05:24"), reason: "bad")
        func serials() throws -> [String]? {
            try catalogue(workshop).products["debian:bookworm:amd64:default"]?.versions.keys.sorted()
        }
        #expect(try serials() == ["20260101_0524", "20260102_0524"])
        _ = try workshop.publisher.prune(try Retention(count: 1))
        #expect(try serials() == ["20260102_0524"])
        #expect(try catalogue(workshop).products.count == 3)
        // Only-LXC builds are none of its business.
        try workshop.publish(try workshop.image("debian/trixie/amd64", content: 77))
        #expect(try catalogue(workshop).products.count == 3)
        _ = try workshop.check()
    }

    @Test("does not read the documents of builds again that it knows, and comes back where it was lost")
    func recovered() throws {
        let workshop = try Workshop()
        for day in 1...2 { try workshop.publish(try image(workshop, day: day)) }
        let before = try read(workshop.tree.appending("streams/v1/images.json"))
        try Disk.remove(workshop.tree.appending("streams"))
        #expect(failure { _ = try workshop.check() }?.subject == "streams/v1")
        _ = try workshop.publisher.refresh()
        #expect(try read(workshop.tree.appending("streams/v1/images.json")) == before)
        _ = try workshop.check()

        let old = workshop.tree.appending("images/debian/bookworm/amd64/default/20260101_05:24/image.json")
        let document = try read(old)
        try Disk.remove(old)
        try workshop.publish(try image(workshop, day: 3))
        try write(document, to: old)
        #expect(try catalogue(workshop).products.first?.value.versions.count == 3)
        _ = try workshop.check()
    }

    @Test("never has one image twice: the second is refused")
    func twice() throws {
        let workshop = try Workshop()
        try workshop.publish(try image(workshop))
        try workshop.publish(try image(workshop, day: 2))
        let before = try workshop.contents()
        for path in ["debian/bookworm/amd64", "debian/sid/amd64"] {
            let same = try image(workshop, path, day: 3, content: 1)
            let fault = failure { try workshop.publish(same) }
            #expect(fault?.errorClass == .policy && fault?.reason.contains("LXD and Incus") == true)
        }
        let both = try [4, 5].map { try image(workshop, "void/\($0)/amd64", day: $0, content: 8) }
        #expect(failure { try workshop.publish(both[0], both[1]) }?.errorClass == .policy)
        #expect(try workshop.contents() == before)
    }

    @Test("is found wrong by a check: a changed rootfs, fingerprint, or a catalogue of another day")
    func wrong() throws {
        let workshop = try Workshop()
        try workshop.publish(try image(workshop))
        let old = try read(workshop.tree.appending("streams/v1/images.json"))
        let oldSignature = try read(workshop.tree.appending("streams/v1/images.json.gpg"))
        try workshop.publish(try image(workshop, day: 2))
        try write(old, to: workshop.tree.appending("streams/v1/images.json"))
        try write(oldSignature, to: workshop.tree.appending("streams/v1/images.json.gpg"))
        let fault = failure { _ = try workshop.check() }
        #expect(fault?.errorClass == .binding && fault?.subject == "streams/.v1-3/images.json")
    }

    @Test("lists a delta only while its base is listed, and none where there are two")
    func delta() throws {
        let workshop = try Workshop()
        func base(_ day: Int) throws -> String {
            ImageDocument.squashfsDeltaName(from: try Serial("2026010\(day)_05:24"))
        }
        func deltas() throws -> [String: String] {
            let versions = try catalogue(workshop).products.first?.value.versions ?? [:]
            return versions.compactMapValues { $0.items["squashfs.vcdiff"]?.deltaBase }
        }
        try workshop.publish(try image(workshop, day: 1))
        let second = try base(1)
        try workshop.publish(try image(workshop, day: 2) { $0[second] = [1, 2] })
        #expect(try deltas() == ["20260102_0524": "20260101_0524"])
        let third = try [base(1), base(2)]
        try workshop.publish(try image(workshop, day: 3) { for name in third { $0[name] = [3] } })
        #expect(try deltas() == ["20260102_0524": "20260101_0524"])
        _ = try workshop.publisher.prune(try Retention(count: 2))
        #expect(try deltas() == [:])
        _ = try workshop.check()
    }

    @Test("calls images by their usual names, each name once for an architecture")
    func aliases() throws {
        func aliases(_ paths: String...) throws -> [[String]] {
            let names = try paths.map { try ImageName(path: $0) }
            let all = StreamsAliases.all(names)
            return names.map { all[$0] ?? [] }
        }
        #expect(
            try aliases("debian/12/amd64/cloud", "debian/12/amd64") == [
                ["debian/12/cloud"], ["debian/12/default", "debian/12"],
            ]
        )
        #expect(
            try aliases("void/current/amd64", "void/current/amd64/musl")
                == [
                    ["void/current/default", "void/current", "void/default", "void"],
                    ["void/current/musl", "void/musl"],
                ]
        )
        // "a/b" would be both: the release b, and the variant b of the release current.
        #expect(try aliases("a/current/amd64/b", "a/b/amd64") == [["a/current/b"], ["a/b/default", "a/b"]])
        #expect(try aliases("a/current/arm64/b", "a/b/amd64") == [["a/current/b", "a/b"], ["a/b/default", "a/b"]])
    }

    @Test("takes no index of another form for its own")
    func indexes() throws {
        #expect(StreamsIndex(reading: Array("{}".utf8)) == nil)
        #expect(StreamsIndex(reading: Array("{\"index\":{\"images\":{\"path\":\"x\"}}}".utf8)) == nil)
        let reference = "{\"sha256\":\"\(String(repeating: "0", count: 64))\",\"size\":1}"
        for (name, isRead) in [("images", true), ("images-1of4", true), ("../x", false), ("a/b", false), ("", false)] {
            let text = "{\"index\":{\"\(name)\":{\"json\":\(reference)}}}"
            #expect((StreamsIndex(reading: Array(text.utf8)) != nil) == isRead, "\(name)")
        }
        let divided = StreamsIndex(reading: Array("{\"index\":{\"images-3of8\":{\"json\":\(reference)}}}".utf8))
        #expect(divided?.count == 8)
    }

    struct Anything: Decodable {}
}
