// SPDX-License-Identifier: Apache-2.0

import Client
import Model
import TestSupport
import Testing

@Suite("A template's command line")
struct TemplateWordsTests {
    @Test("is read as lxc-create and its bindings write it")
    func bindings() throws {
        let words = try TemplateWords([
            "--path=/p/c", "--name=c", "--rootfs=/p/c/rootfs", "-d", "debian", "--release", "bookworm", "-aamd64",
            "stray", "",
            "--mapped-uid", "65536", "--mapped-gid", "65537",
        ])
        #expect(words.path == "/p/c" && words.name == "c" && words.rootfs == "/p/c/rootfs")
        #expect(words.distribution == "debian" && words.release == "bookworm" && words.architecture == "amd64")
        #expect(words.mappedUID == 65536 && words.mappedGID == 65537)
    }

    @Test(
        "takes unambiguous beginnings, clusters and the last of several",
        arguments: [
            (["--rel", "x"], "x"), (["--re=x"], "x"), (["-lr", "x"], "x"), (["-lrx"], "x"),
            (["-r", "y", "-r", "x"], "x"),
        ]
    )
    func grammar(_ words: [String], _ release: String) throws {
        #expect(try TemplateWords(words).release == release)
    }

    @Test(
        "takes words of older templates with a notice",
        arguments: [
            ["--keyserver", "hkp://x"], ["--standard-resolver"],
        ]
    )
    func oldWords(_ words: [String]) throws { #expect(try TemplateWords(words).notices.count == 1) }

    @Test("counts -1 as no mapped id")
    func unmapped() throws { #expect(try TemplateWords(["--mapped-uid", "-1"]).mappedUID == nil) }

    @Test(
        "is refused when an option is unknown, ambiguous, lacks its value or has one too many",
        arguments: [
            ["--unknown"], ["-x"], ["--d"].map { $0 + "x" }, ["--re"], ["--list=yes"], ["-d"],
            ["--mapped-uid", "x"],
            ["--", "x"].reversed().map { $0 == "--" ? "--k" : $0 },
        ]
    )
    func refused(_ words: [String]) {
        // --re alone lacks its value; --k means --keyid or --keyserver.
        do {
            _ = try TemplateWords(words)
            Issue.record("accepted \(words)")
        } catch {
            #expect(error.errorClass == .usage)
        }
    }

    @Test("never crashes, whatever the words")
    func anything() {
        var generator = SeededGenerator()
        let pieces = ["-", "--", "d", "re", "=", "list", "mapped-uid", " ", "\u{0}", "é", "-1", "x"]
        for _ in 0..<5000 {
            let words = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? ""
                }.joined()
            }
            _ = try? TemplateWords(words)
        }
    }
}
