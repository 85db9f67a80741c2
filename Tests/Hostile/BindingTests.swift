// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("What belongs together", .scratchDirectory)
struct BindingTests {
    @Test("37: a server id that is not the pinned one -> BINDING, whether the server was seen before or not")
    func otherServer() async throws {
        try await Stage.run { stage in
            let other = ScratchDirectory.path.appending("other-tree")
            try await Programs.rootcellar(
                "repo",
                "init",
                "--repo",
                other.string,
                "--keys",
                stage.site.keys.string,
                "--id",
                "other.example.org"
            ).succeeded()
            try await Programs.shell(
                "rm -r \"$1/rootcellar\"; cp -a \"$2/rootcellar\" \"$1\"",
                stage.site.tree.string,
                other.string
            )
            try await stage.refused(.binding)
            stage.host.emptyCache()
            try await stage.refused(.binding)
        }
    }

    @Test("38: an index of one thing in the place of another, with a good signature above it -> BINDING")
    func otherIndex() async throws {
        try await Stage.run { stage in
            var index = try stage.index()
            index.distribution = "elsewhere"
            try await stage.publish(index: try index.canonicalBytes())
            try await stage.refused(.binding, mayLearn: true)
            index.distribution = "example"
            index.server = "other.example.org"
            try await stage.publish(index: try index.canonicalBytes())
            try await stage.refused(.binding, mayLearn: true)
        }
    }

    @Test("39: an index with an image twice, a build twice, or an image without build -> BINDING")
    func duplicates() async throws {
        try await Stage.run { stage in
            let good = try stage.index()
            let changes: [(inout IndexShard) -> Void] = [
                { $0.images.append($0.images[0]) }, { $0.images[0].builds += $0.images[0].builds },
                { $0.images[1].builds = [] },
            ]
            for change in changes {
                var index = good
                change(&index)
                try await stage.publish(index: try index.canonicalBytes())
                try await stage.refused(.binding, mayLearn: true)
            }
        }
    }

    @Test("40: the rootfs of another image in this one's place -> HASH")
    func otherRootfs() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("rootfs.tar.zst")
            let size = try stage.bytes(path).count
            var other = try stage.bytes(try await stage.path("rootfs.tar.zst", of: "example/two/amd64"))
            // Both are of random content: of the same size but for some bytes, which would be SIZE.
            other = Array((other + [UInt8](repeating: 0, count: 4096)).prefix(size))
            let bytes = other
            stage.server.on(path) { .content(bytes, for: $0) }
            try await stage.refused(.hash, mayLearn: true)
        }
    }

    @Test(
        "41: the metadata of one build with the rootfs of another -> HASH or SIZE; a document of another build -> BINDING"
    )
    func mixedBuilds() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("meta.tar.xz")
            let size = try stage.bytes(path).count
            let meta = try stage.bytes(try await stage.path("meta.tar.xz", of: "example/two/amd64"))
            let other = Array((meta + [UInt8](repeating: 0, count: size)).prefix(size))
            // Small metadata may well be the same in both; then a changed byte stands for the difference.
            var served = other
            if other == (try stage.bytes(path)) { served[size / 2] ^= 1 }
            let mixed = served
            stage.server.on(path) { .content(mixed, for: $0) }
            try await stage.refused(.hash, mayLearn: true)
            stage.server.remove(path)

            // An index that names the other image's document, under a good signature.
            var index = try stage.index()
            let (one, two) = (index.images[0].builds[0].image, index.images[1].builds[0].image)
            index.images[0].builds[0].image = two
            index.images[1].builds[0].image = one
            try await stage.publish(index: try index.canonicalBytes())
            let document = try await stage.path("image.json")
            let swapped = try stage.bytes(try await stage.path("image.json", of: "example/two/amd64"))
            stage.server.on(document) { .content(swapped, for: $0) }
            try await stage.refused(.binding, mayLearn: true)
        }
    }

    @Test(
        "42: a name that would lead elsewhere -> BINDING, and nothing is asked for there",
        arguments: ["../x", "//host/x", "http://x", "%2e%2e", "a\\b", "a?b", "a#b", "..", "", "A", "a b", "a\u{1B}b"]
    )
    func names(_ name: String) async throws {
        try await Stage.run { stage in
            var index = try stage.index()
            index.images[0].release = name
            try await stage.publish(index: try index.canonicalBytes())
            stage.server.forgetRequests()
            try await stage.refused(.binding, mayLearn: true)
            #expect(stage.server.requests.allSatisfy { $0.path.hasPrefix("/rootcellar/") })
        }
    }

    @Test("42b: a mirror that is no address is passed over, and so is a serial that leads elsewhere")
    func mirrorNames() async throws {
        try await Stage.run { stage in
            try await stage.publish {
                $0.mirrors = ["http://x", "../x", "https://user@host", "file:///etc/passwd", ""]
            }
            try await stage.download().result.succeeded()
            let text = String(decoding: try stage.index().canonicalBytes(), as: UTF8.self)
            let serial = try stage.index().images[0].builds[0].serial.description
            try await stage.publish(index: Array(text.replacing(serial, with: "../../../etc").utf8))
            try await stage.refused(.binding, mayLearn: true)
        }
    }

    @Test(
        "43: an index with NUL, BOM, broken UTF-8, no end, 10 MB in a line, or 100 000 levels -> BINDING, never a crash"
    )
    func bytes() async throws {
        try await Stage.run { stage in
            let good = try stage.index().canonicalBytes()
            let text = String(decoding: good, as: UTF8.self)
            let name = Array("\"one\"".utf8)
            func replacing(_ bytes: [UInt8]) -> [UInt8] { good.replacing(name, with: bytes) }
            let bad: [(String, [UInt8])] = [
                ("NUL in a name", replacing(Array("\"o\0e\"".utf8))), ("NUL behind", good + [0]),
                ("overlong UTF-8", replacing([0x22, 0xC0, 0xAF, 0x22])),
                ("lone surrogate", replacing([0x22, 0xED, 0xA0, 0x80, 0x22])),
                ("CR in a name", replacing(Array("\"o\re\"".utf8))), ("cut", Array(good.dropLast(9))),
                ("a name of 10 MB", replacing([0x22] + [UInt8](repeating: 0x61, count: 10 << 20) + [0x22])),
                ("deep", Array(repeating: 0x5B, count: 100_000)), ("two documents", good + good), ("empty", []),
                ("number too big", Array(text.replacing(/"size":\d+/, with: "\"size\":99999999999999999999").utf8)),
                ("negative size", Array(text.replacing(/"size":\d+/, with: "\"size\":-1").utf8)),
            ]
            for (what, bytes) in bad {
                try await stage.publish(index: bytes)
                let creation = try await stage.download()
                let status = creation.result.status
                #expect([14, 15].contains(status), "\(what): \(creation.result.errors)")
                #expect(creation.result.errorLine != nil, "\(what): \(creation.result.errors)")
                #expect(try creation.isUntouched, "\(what)")
            }
            // Blanks, line ends and no line end at all are what JSON allows; they mean nothing.
            for harmless in [Array(good.dropLast()), good + Array("\r\n \t\n".utf8)] {
                try await stage.publish(index: harmless)
                try await stage.download().result.succeeded()
            }
        }
    }

    @Test("44: a later format of envelope, root, pointer, manifest or index -> POLICY, and what to do")
    func laterFormats() async throws {
        try await Stage.run { stage in
            let index = String(decoding: try stage.index().canonicalBytes(), as: UTF8.self)
            try await stage.publish(index: Array(index.replacing("\"format\":1", with: "\"format\":2").utf8))
            #expect(try await stage.refused(.policy, mayLearn: true).contains("too old"))
            try await stage.publish { $0.format = 2 }
            #expect(try await stage.refused(.policy, mayLearn: true).contains("too old"))
            try await stage.site.replacePointer { $0.format = 2 }
            #expect(try await stage.refused(.policy).contains("too old"))
            let pointer = try text(stage.site.pointer)
            try write(pointer.replacing("SIGNED 1\n", with: "SIGNED 2\n").utf8, to: stage.site.pointer)
            #expect(try await stage.refused(.policy).contains("newer version of rootcellar"))
        }
    }
}

extension [UInt8] {
    /// With the first occurrence of some bytes replaced.
    fileprivate func replacing(_ old: [UInt8], with new: [UInt8]) -> [UInt8] {
        guard let range = firstRange(of: old) else { return self }
        return Array(self[..<range.lowerBound]) + new + Array(self[range.upperBound...])
    }
}
