// SPDX-License-Identifier: Apache-2.0

import Repository
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// A real distribution from its definition to booted containers. One image is built for all of them; each test is a
/// script that a person can run as well, with the directory of the programs and an image directory.
@Suite("A Debian image", .serialized)
struct DebianTests {
    @Test("boots: created by root, by an ordinary user, and by the stock template", .timeLimit(.minutes(60)))
    func boots() async throws { try await run("boot") }

    @Test("is taken by the last stock template that checks signatures", .timeLimit(.minutes(60)))
    func openPGPEra() async throws { try await run("openpgp-era") }

    @Test("has the same bytes when an ordinary user builds it elsewhere", .timeLimit(.minutes(60)))
    func rootless() async throws { try await run("rootless", DebianImage.definition.string) }

    @Test("is listed, copied, updated and launched by LXD", .timeLimit(.minutes(60)))
    func lxd() async throws {
        let top = try makeScratchDirectory()
        defer { removeTree(top) }
        var words: [String] = []
        for age in [7200, 60] as [Int64] {
            var image = SyntheticImage()
            image.age = age
            image.seed = 1
            image.hasStreams = true
            words.append(try await image.write(to: top.appending("image-\(age)")).string)
        }
        try await run("lxd", words: words)
    }

    @Test("is tested, listed, copied and launched by Incus", .timeLimit(.minutes(60)))
    func incus() async throws { try await run("incus") }

    @Test("of a large tree, whose catalogue is in several files, are all known to LXD", .timeLimit(.minutes(60)))
    func divided() async throws {
        let top = try makeScratchDirectory()
        defer { removeTree(top) }
        let site = try await Site(in: top.appending("site"))
        var images: [FilePath] = []
        let names = (1...6).map { "d\($0)/one" }
        for (number, name) in names.enumerated() {
            var image = SyntheticImage()
            image.name = "\(name)/amd64"
            image.seed = number + 1
            image.bulk = 1
            image.hasStreams = true
            images.append(try await image.write(to: top.appending("image-\(number)")))
        }
        var publisher = Publisher(
            tree: site.tree,
            keys: try KeyStore.open(directory: site.keys),
            now: clock
        )
        publisher.deltas = 0
        publisher.streamsPartSize = 2000
        _ = try publisher.publish(images: images, untested: true)
        try write(names.map { $0 + "\n" }.joined().utf8, to: site.top.appending("names"))
        let scripts = FilePath(#filePath).removingLastComponent().appending("Scripts")
        let result = try await runProgram(
            "bash",
            [scripts.appending("divided").string, Programs.directory.string, site.top.string]
        )
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(4000))")
    }

    private func run(_ script: String, _ words: String...) async throws { try await run(script, words: words) }

    private func run(_ script: String, words: [String]) async throws {
        let image = try await DebianImage.shared.directory()
        let scripts = FilePath(#filePath).removingLastComponent().appending("Scripts")
        let result = try await runProgram(
            "bash",
            [scripts.appending(script).string, Programs.directory.string, image.string] + words
        )
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(4000))")
    }
}
