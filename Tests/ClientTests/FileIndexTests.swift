// SPDX-License-Identifier: Apache-2.0

import Client
import Model
import TestSupport
import Testing

@Suite("The index of stock servers")
struct FileIndexTests {
    private static let row =
        "debian;trixie;amd64;default;20260820_05:24;/images/debian/trixie/amd64/default/20260820_05:24/"

    private func read(_ text: String) throws(RootcellarError) -> [PlainBuild] {
        try FileIndex(Array(text.utf8), subject: "index").builds
    }

    @Test("gives the files of each row, with or without a last line feed")
    func good() throws {
        for text in [Self.row + "\n", Self.row, "\n" + Self.row + "\n\n"] {
            let build = try #require(try read(text).first)
            #expect(build.name.path == "debian/trixie/amd64/default")
            #expect(build.rootfs.path == "images/debian/trixie/amd64/default/20260820_05:24/rootfs.tar.xz")
            #expect(build.serial == "20260820_05:24")
        }
        #expect(try read("") == [])
    }

    @Test("leaves rows out whose images cannot be named here")
    func foreign() throws {
        let other = Self.row.replacing("debian", with: "openSUSE")
        #expect(try read(other + "\n" + Self.row + "\n").map(\.name.distribution) == ["debian"])
    }

    @Test(
        "is BINDING for a path that is not the row's own, a row too much, and anything that is no row",
        arguments: [
            row.replacing("/images/debian", with: "/images/alpine"), row.replacing("/images/", with: "//host/"),
            row.replacing("/images/", with: "/images/../"), row.replacing("/images/", with: "https://host/images/"),
            row + "?x", row.dropLast() + "", row + "\n" + row, row + ";extra", "debian;trixie", row + "\r",
            row.replacing("20260820_05:24", with: "a/../../b"), row.replacing("20260820_05:24", with: ""),
            row + "\u{0}", "\u{FEFF}" + row + "\u{202E}", String(repeating: "x", count: 5000),
        ]
    )
    func bad(_ text: String) {
        do {
            _ = try read(text)
            Issue.record("accepted")
        } catch {
            #expect(error.errorClass == .binding)
        }
    }

    @Test("never crashes, and never names a path outside of the image's own")
    func anything() {
        var generator = SeededGenerator()
        for _ in 0..<20_000 {
            var bytes = Array((Self.row + "\n" + Self.row.replacing("trixie", with: "sid") + "\n").utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(Array(";/.\n%".utf8).randomElement(using: &generator) ?? 0, at: place)
                }
            }
            guard let builds = try? FileIndex(bytes, subject: "index").builds else { continue }
            for build in builds {
                #expect(
                    build.rootfs.path == "images/\(build.name.path)/\(build.serial)/rootfs.tar.xz",
                    "seed \(generator.seed)"
                )
            }
        }
    }
}

@Suite("A simplestreams catalogue")
struct StreamsCatalogueTests {
    private static let digest = String(repeating: "ab", count: 32)

    private func read(
        _ versions: String,
        key: String = "debian:trixie:amd64:default"
    ) throws(RootcellarError) -> [PlainBuild] {
        let text =
            "{\"products\":{\"\(key)\":{\"arch\":\"amd64\",\"os\":\"Debian\",\"release\":\"trixie\",\"versions\":{\(versions)}}}}"
        return try StreamsCatalogue(Array(text.utf8), subject: "catalogue").builds
    }

    private func version(_ serial: String, _ item: String) -> String { "\"\(serial)\":{\"items\":{\"x\":{\(item)}}}" }

    private var good: String { "\"ftype\":\"root.tar.xz\",\"path\":\"a/b\",\"size\":5,\"sha256\":\"\(Self.digest)\"" }

    @Test("gives the newest build that has a rootfs with a hash")
    func newest() throws {
        let unusable = [
            good.replacing(Self.digest, with: "00"), good.replacing("root.tar.xz", with: "squashfs"),
            good.replacing("\"size\":5", with: "\"size\":0"), "\"ftype\":\"root.tar.xz\",\"path\":\"a\"",
        ]
        for item in unusable {
            let versions = [version("20260102_0000", item), version("20260101_0000", good), version("x", good)]
            let builds = try read(versions.joined(separator: ","))
            #expect(builds.map(\.serial) == ["20260101_0000"], "\(item)")
            #expect(builds.first?.rootfs.sha256?.description == Self.digest)
            #expect(builds.first?.metadata == nil)
        }
    }

    @Test("names an image by its key, or by what the product says of itself")
    func names() throws {
        let versions = version("20260101_0000", good)
        #expect(try read(versions).map(\.name.path) == ["debian/trixie/amd64/default"])
        #expect(try read(versions, key: "com.example:x").map(\.name.path) == ["debian/trixie/amd64/default"])
        #expect(
            try read(versions, key: "debian:trixie:default:amd64").map(\.name.path) == ["debian/trixie/amd64/default"]
        )
    }

    @Test("that is no catalogue is BINDING", arguments: ["", "[]", "{}", "{\"products\":[]}", "<html>"])
    func bad(_ text: String) {
        do {
            _ = try StreamsCatalogue(Array(text.utf8), subject: "catalogue")
            Issue.record("accepted")
        } catch {
            #expect(error.errorClass == .binding)
        }
    }
}
