// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// `ROOTCELLAR_PUBLICATIONS` says how many there are; `make soak` asks for a thousand.
@Suite("Readers while publications come", .scratchDirectory, .serialized)
struct ReaderTests {
    private struct Outcome: Decodable, Sendable {
        var reads: [String: Int]
        var torn: [String: Int]
        var failures: [String]
    }

    private static let publications =
        ProcessInfo.processInfo.environment["ROOTCELLAR_PUBLICATIONS"].flatMap { Int($0) } ?? 12

    @Test("100: publication after publication, readers of every family on two servers -> every read verifies")
    func readers() async throws {
        let site = try await Site()
        for number in 0..<3 { try await publish(number, on: site) }
        let work = ScratchDirectory.path.appending("readers")
        try makeDirectory(work)
        let outcome = try await PublishedServer.run(site) { ours in
            try await NginxServer.run(over: site.tree, in: work) { nginx in
                async let read = runProgram(
                    Self.python,
                    [
                        Self.script, Programs.directory.string, site.tree.string, site.keys.string, site.fingerprint,
                        work.string, "serve=\(ours.url)=\(ours.authority)", "nginx=\(nginx.url)=\(nginx.authority)",
                    ]
                )
                do {
                    for _ in 0..<1200 where !exists(work.appending("ready")) {
                        try await Task.sleep(for: .milliseconds(25))
                    }
                    for number in 3..<(3 + Self.publications) {
                        try await publish(number, on: site)
                        if number % 50 == 0 {
                            try await Programs.rootcellar(
                                "repo",
                                "prune",
                                "--keep",
                                "10",
                                "--repo",
                                site.tree.string,
                                "--keys",
                                site.keys.string
                            ).succeeded()
                        }
                    }
                } catch {
                    try write([], to: work.appending("stop"))
                    throw error
                }
                try write([], to: work.appending("stop"))
                return try JSONDecoder().decode(Outcome.self, from: Data(try await read.succeeded().output.utf8))
            }
        }
        #expect(outcome.failures == [], "after \(outcome.reads), torn \(outcome.torn)")
        #expect(outcome.reads.count == 9 && outcome.reads.values.allSatisfy { $0 > 0 }, "\(outcome.reads)")
        try await site.check().succeeded()
        if let log = ProcessInfo.processInfo.environment["ROOTCELLAR_FAULT_LOG"] {
            let text = "\(Self.publications) publications, reads \(outcome.reads), torn pairs \(outcome.torn)\n"
            try write(text.utf8, to: FilePath("\(log).readers"))
        }
    }

    /// One small build of one of three images, each a minute newer than the one before.
    private func publish(_ number: Int, on site: Site) async throws {
        var image = SyntheticImage()
        image.name = "example/\(["one", "two", "three"][number % 3])/amd64"
        image.age = Int64(3000 - number) * 60
        image.bulk = 8
        image.hasStreams = true
        let directory = site.top.appending("image-\(number)")
        try await image.write(to: directory)
        try await site.publish(directory).succeeded()
        try await Programs.shell("rm -rf \"$1\" \"$1.tree\"", directory.string)
    }

    private static let package = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()
    private static let python = package.appending(".build/python/bin/python").string
    private static let script = package.appending("Tests/Integration/Scripts/readers.py").string
}
