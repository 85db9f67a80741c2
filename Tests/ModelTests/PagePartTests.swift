// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("The parts of a page")
struct PagePartTests {
    private func visible(_ page: String, _ shown: String...) -> String? {
        PagePart.visible(Array(page.utf8)) { shown.contains($0.path) }.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("are left out where their image is not shown, and what is about all of them with the first")
    func parts() throws {
        let name = "debian/sid/amd64/a--b-"
        let mark = PagePart.mark(name)
        #expect(!mark.contains("-") && PagePart.name(mark)?.path == name)
        let page =
            "<!--parts-->a<!--of *-->2<!--end-->b<!--of \(mark)-->\u{301}c<!--end-->d<!--of x/y/z/v-->e<!--end-->"
        #expect(visible(page, name, "x/y/z/v") == "<!--parts-->a2b\u{301}cde")
        #expect(visible(page, name) == "<!--parts-->ab\u{301}cd")
        #expect(visible(page) == "<!--parts-->abd")
    }

    @Test(
        "make a page that is not marked well one that is not shown",
        arguments: [
            "", "a", "<!--of x/y/z/v-->a<!--end-->", "<!--parts--><!--of x/y/z/v-->a", "<!--parts--><!--of x/y/z/v",
            "<!--parts--><!--of x/y-->a<!--end-->", "<!--parts--><!--of -->a<!--end-->",
            "<!--parts--><!--of x/y/z/v--><!--of x/y/z/w-->a<!--end-->",
        ]
    )
    func malformed(_ page: String) { #expect(visible(page, "x/y/z/v", "x/y/z/w") == nil) }

    /// Whatever a page has, no word of an image that is not shown gets through.
    @Test("never show what they must not")
    func property() throws {
        var random = SeededGenerator()
        let pieces = [
            "<!--of d/r/a/secret-->", "<!--of d/r/a/open-->", "<!--of *-->", "<!--end-->", "x", "-->", "<!--",
            "<!--of ",
        ]
        for _ in 0..<2000 {
            var (page, isOpen) = ("<!--parts-->", false)
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                let piece = pieces.randomElement(using: &random) ?? ""
                page += piece
                if piece.contains("secret") { (page, isOpen) = (page + "SECRET<!--end-->", true) }
            }
            guard let shown = visible(page, "d/r/a/open") else { continue }
            #expect(!shown.contains("SECRET") || !isOpen, "seed \(random.seed): \(page)")
        }
    }
}
