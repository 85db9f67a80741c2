// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Definitions as different people write them, each through every verb; what has to come out says the file itself.
@Suite("Definitions of others", .scratchDirectory)
struct OthersDefinitionTests {
    /// A definition and what its comments say.
    struct Sample: Sendable, CustomTestStringConvertible {
        /// `KIND NAME = TEXT` of a comment.
        struct Line: Sendable {
            var kind: String
            var name = ""
            var text: String
        }

        var path: FilePath
        var lines: [Line]
        var testDescription: String { path.lastComponent?.string ?? "" }

        init(_ path: FilePath) throws {
            self.path = path
            lines = try SiteSupport.text(path).split(whereSeparator: \.isNewline).filter { $0.hasPrefix("#: ") }
                .map { line in
                    let words = line.dropFirst(3).split(separator: " ", maxSplits: 1).map(String.init)
                    let rest = words.count > 1 ? words[1] : ""
                    guard words[0] != "options", let equals = rest.firstRange(of: "= ") else {
                        return Line(kind: words[0], text: rest)
                    }
                    let text = rest[equals.upperBound...].replacing("\\n", with: "\n").replacing("\\t", with: "\t")
                    let name = rest[..<equals.lowerBound].filter { $0 != " " }
                    return Line(kind: words[0], name: String(name), text: String(text))
                }
        }

        var options: [String] {
            lines.filter { $0.kind == "options" }.flatMap { $0.text.split(separator: " ").map(String.init) }
        }
    }

    static let samples: [Sample] = {
        let directory = FilePath(#filePath).removingLastComponent().appending("Definitions")
        let names = (try? directoryNames(directory)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.compactMap { try? Sample(directory.appending($0)) }
    }()

    @Test("were found") func found() { #expect(Self.samples.count >= 12) }

    private func system() async throws -> SmallSystem {
        try await SmallSystem.make(
            standIns: [
                "apk", "dnf", "emerge", "opkg", "pacman", "pacman-key", "rpmdb", "sweep", "tool", "xbps-install", "yum",
                "zypper",
            ],
            more: """
                mkdir -p etc/pacman.d etc/apt; echo '#Server = https://a.invalid' >etc/pacman.d/mirrorlist
                echo x >etc/gone; echo '# somebody else' >etc/apt/sources.list
                ln -s busybox bin/printf
                """
        )
    }

    @Test("come through every verb as they say", arguments: samples)
    func verbs(_ sample: Sample) async throws {
        let system = try await system()
        let top = ScratchDirectory.path
        let copied = top.appending("copied")
        try makeDirectory(copied.appending("deep"))
        for (name, text) in [("one.txt", "one\n"), ("two.txt", "two\n"), ("deep/three", "three\n")] {
            try write(text.utf8, to: copied.pushing(FilePath(name)))
        }
        let source = ["source.downloader=rootfs-http", "source.url=file://\(system.tar)"].flatMap { ["-o", $0] }
        let options = sample.options.map { $0.replacing("COPIED", with: copied.string) } + source
        let program = Programs.directory.appending("rootcellar").string
        let (tree, output) = (top.appending("tree"), top.appending("out"))
        func run(_ verb: String, _ words: String...) async throws {
            let result = try await runProgram(program, [verb, sample.path.string] + words + options)
            #expect(result.status == 0, "\(verb): \(result.errors)")
            if verb == "validate" { #expect(result.output == "", "\(result.output)") }
        }
        try await run("validate")
        try await run("build-dir", tree.string)
        try await run("pack-lxc", tree.string, output.string, "--compression", "none")
        try await run("pack-incus", tree.string, output.string, "--compression", "gzip-1")

        func member(_ tar: String, _ name: String) async throws -> String {
            let result = try await runProgram("tar", ["-xOf", output.appending(tar).string, name])
            return result.status == 0 ? result.output : "(nothing)"
        }
        for line in sample.lines where line.kind != "options" {
            let path = tree.pushing(FilePath(String(line.name.drop { $0 == "/" })))
            let found =
                switch line.kind {
                case "tree": exists(path) ? try text(path) : "(nothing)"
                case "mode": try await Programs.shell("stat -c '%a %u %g' \"$1\"", path.string).trimming()
                case "lxc": try await member("rootfs.tar", ".\(line.name)")
                case "meta": try await member("meta.tar.xz", line.name)
                case "incus", "has": try await member("incus.tar.gz", line.name)
                case "calls":
                    try SmallSystem.calls(in: tree).map { $0.replacing("|", with: " ") }.joined(separator: " ; ")
                default: "no such kind of line"
                }
            let fits =
                line.text == "(any)"
                ? found != "(nothing)" : line.kind == "has" ? found.contains(line.text) : found == line.text
            #expect(fits, "\(line.kind) \(line.name): \(found.debugDescription), not \(line.text.debugDescription)")
        }
    }
}
