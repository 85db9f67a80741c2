// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import Testing

@testable import Pages

@Suite("The pages of a tree")
struct PageSetTests {
    private let tree = DocumentTree()
    private let debian: ImageName
    private let alpine: ImageName

    init() throws {
        debian = try ImageName(path: "debian/bookworm/amd64/default")
        alpine = try ImageName(path: "alpine/3.20/arm64/default")
    }

    private func twoImages() throws -> [ImageName: [IndexShard.Build]] {
        let old = try tree.build(debian, age: 2, packages: [("bash", "5.2"), ("gone", "1"), ("zlib1g", "1.2.13")])
        let new = try tree.build(debian, age: 1, packages: [("bash", "5.2"), ("new", "3"), ("zlib1g", "1.3")])
        return [
            debian: [old, new],
            alpine: [try tree.build(alpine, age: 1, packages: [("musl", "1.2.5")], boot: nil, tested: false)],
        ]
    }

    @Test("say what the documents say")
    func content() throws {
        let images = try twoImages()
        try PageSet().update(try tree.publish(images), files: tree)
        let catalogue = tree.text("index.html")
        #expect(catalogue.contains("<a href=\"images/debian/bookworm/amd64/default/index.html\">debian bookworm</a>"))
        #expect(catalogue.contains("not passed") && catalogue.contains("50 MB") && catalogue.contains(": 2 images<"))
        let page = tree.text("images/debian/bookworm/amd64/default/index.html")
        let serials = try #require(images[debian]).map(\.serial.description)
        #expect(page.contains("\(serials[0]) → \(serials[1]): 3 packages"))
        #expect(page.contains("<li>zlib1g 1.2.13 → 1.3</li>"))
        #expect(page.contains("<li class=\"added\">new 3 added</li>"))
        #expect(page.contains("<li class=\"removed\">gone 1 removed</li>"))
        #expect(page.contains("booted: lxc 0.9 s, lxd 0.9 s"))
        #expect(page.ranges(of: "<svg").count == 2)
        let status = tree.text("status.html")
        #expect(
            status.contains(
                "<a href=\"images/alpine/3.20/arm64/default/index.html\">alpine/3.20/arm64/default</a>, since"
            )
        )
        #expect(status.contains(DocumentTree.now.adding(seconds: 7 * 86400).description))
        let trust = tree.text("trust.html")
        #expect(trust.contains("--fingerprint 0123456789ABCDEF") && trust.contains("None."))
        #expect(tree.text("feed.atom").ranges(of: "<entry>").count == 2)
        #expect(tree.text("images/debian/bookworm/amd64/default/feed.atom").ranges(of: "<entry>").count == 2)
        #expect(!tree.text("web/style.css").isEmpty && !tree.text("web/script.js").isEmpty)
        // A server that does not show every image to everybody leaves out what is about others.
        for path in ["index.html", "status.html", "feed.atom"] {
            let whole = Array(tree.text(path).utf8)
            #expect(PagePart.visible(whole) { _ in true }?.count ?? 0 > 0, "\(path)")
            let part = String(decoding: PagePart.visible(whole) { $0 == debian } ?? [], as: UTF8.self)
            #expect(part.contains("bookworm") && !part.contains("alpine") && !part.contains("2 images"), "\(path)")
            #expect(part.hasSuffix(tree.text(path).suffix(8)), "\(path)")
        }
        for path in tree.files.keys where path.hasSuffix(".html") {
            #expect(!tree.text(path).contains("{{"), "\(path)")
            #expect(TreePath.Page.isOne(path))
        }
    }

    @Test("tell why a build was taken back")
    func revoked() throws {
        let images = try twoImages()
        let build = try #require(images[debian]?.last)
        let state = try tree.publish(
            images,
            revoked: [Manifest.Revocation(image: build.image.sha256, reason: "a bad & old key")]
        )
        try PageSet().update(state, files: tree)
        let page = tree.text("images/debian/bookworm/amd64/default/index.html")
        #expect(page.contains("revoked: a bad &amp; old key"))
        let current = try #require(images[debian]?.first?.serial.time.description)
        #expect(tree.text("index.html").contains("<time datetime=\"\(current)\">"))
        #expect(
            tree.text("trust.html").contains("a bad &amp; old key: <code class=\"hash\">\(build.image.sha256)</code>")
        )
        #expect(tree.text("images/debian/bookworm/amd64/default/feed.atom").contains("Revoked: a bad &amp; old key"))
    }

    @Test("are written only where something changed")
    func economy() throws {
        var images: [ImageName: [IndexShard.Build]] = [:]
        for number in 0..<40 {
            let name = try ImageName(path: "debian/r\(number)/amd64/default")
            images[name] = [try tree.build(name, age: 3, packages: [("bash", "5.2")])]
        }
        images[alpine] = [try tree.build(alpine, age: 3, packages: [])]
        let pages = try PageSet()
        try pages.update(try tree.publish(images), files: tree)
        _ = tree.takeWritten()
        try pages.update(try tree.publish(images, version: 2), files: tree)
        #expect(tree.takeWritten().sorted() == ["status.html"])
        let name = try ImageName(path: "debian/r7/amd64/default")
        images[name]?.append(try tree.build(name, age: 1, packages: [("bash", "5.3")]))
        let state = try tree.publish(images, version: 3)
        _ = tree.takeWritten()
        try pages.update(state, files: tree)
        #expect(
            tree.takeWritten().sorted() == [
                ".rootcellar/pages/debian", "feed.atom", "images/debian/r7/amd64/default/feed.atom",
                "images/debian/r7/amd64/default/index.html", "index.html", "status.html",
            ]
        )
        // What a killed publisher left, or somebody broke, is made again.
        let right = tree.files
        try tree.write(Array("rootcellar pages 1 x\nnonsense\n".utf8), to: ".rootcellar/pages/debian")
        try tree.remove("index.html")
        try pages.update(state, files: tree)
        let made = tree.files
        #expect(right.keys.filter { right[$0] != made[$0] } == [], "made again otherwise")
        // An image that is no longer there has no page.
        images[name] = nil
        try pages.update(try tree.publish(images, version: 4), files: tree)
        #expect(tree.files["images/debian/r7/amd64/default/index.html"] == nil)
        #expect(!tree.text("index.html").contains("r7"))
    }

    @Test(
        "let no text from outside become markup",
        arguments: ["<script>alert(1)</script>", "\"\u{301} onload=\"x", "a\u{0}\u{1B}[2J'\t\n<"]
    )
    func escaping(_ text: String) throws {
        let build = try tree.build(debian, age: 2, packages: [(text, text)], summary: text)
        let next = try tree.build(debian, age: 1, packages: [("x" + text, text + "1")], summary: text)
        let state = try tree.publish(
            [debian: [build, next]],
            revoked: [Manifest.Revocation(image: build.image.sha256, reason: text)]
        )
        try PageSet().update(state, files: tree)
        for path in tree.files.keys where path.hasSuffix(".html") || path.hasSuffix(".atom") {
            let page = tree.text(path)
            #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }, "\(path)")
            #expect(!page.contains("<script>alert") && !page.contains("onload=\"x"), "\(path)")
            let raw = Array("\"\u{301}".utf8)
            let bytes = Array(page.utf8)
            #expect(!bytes.indices.contains { bytes[$0...].starts(with: raw) }, "\(path)")
        }
    }

    @Test("escape any text so that it can be read again")
    func anyText() {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0..<20, using: &numbers) {
                let value = UInt32.random(in: 0..<0x2000, using: &numbers) % (Bool.random() ? 0x80 : 0x2000)
                scalars.append(Unicode.Scalar(value) ?? "x")
            }
            let escaped = MarkupText.escaped(String(scalars)).unicodeScalars
            #expect(!escaped.contains { "<>\"'".unicodeScalars.contains($0) })
            let expected = scalars.map { scalar -> Unicode.Scalar in
                let control = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                return control && !["\t", "\n", "\r"].contains(scalar) ? "\u{FFFD}" : scalar
            }
            // As bytes: to Swift an entity with a combining mark behind it is other text.
            var read = Array(String(String.UnicodeScalarView(escaped)).utf8)
            for (name, text) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
                read = read.split(separator: Array(name.utf8), omittingEmptySubsequences: false)
                    .map(Array.init).joined(separator: Array(text.utf8)).map(\.self)
            }
            #expect(read == Array(String(String.UnicodeScalarView(expected)).utf8))
        }
    }
}
