// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Patches that publishing makes", .scratchDirectory)
struct PublishedDeltaTests {
    /// A build that differs by a few bytes from all others with the same seed.
    private func image(_ site: Site, age: Int64, seed: Int? = 1) async throws -> FilePath {
        var image = SyntheticImage()
        image.age = age
        image.bulk = 1500
        image.seed = seed
        image.hasStreams = true
        return try await image.write(to: site.top.appending("image-\(age)"))
    }

    private func publish(_ site: Site, _ image: FilePath, _ words: String...) async throws {
        try await runProgram(
            Programs.directory.appending("rootcellar").string,
            site.publication([image]) + words
        ).succeeded()
    }

    /// The names of the deltas of the newest build, and its document.
    private func deltas(_ site: Site) async throws -> ([String], ImageDocument) {
        let path = try await Programs.shell(
            "ls -d \"$1\"/images/example/one/amd64/default/*/ | tail -n 1",
            site.tree.string
        )
        let directory = FilePath(path.trimming())
        let document = try ImageDocument(
            verified: try read(directory.appending(ImageDocument.fileName)),
            subject: ""
        )
        let there = try FileManager.default.contentsOfDirectory(atPath: directory.string).filter(ImageDocument.isPatch)
        #expect(Set(there) == Set(document.files.keys.filter(ImageDocument.isPatch)))
        return (there.sorted(), document)
    }

    @Test("are all that a host with the older build fetches, and are listed for LXD and Incus")
    func used() async throws {
        let site = try await Site()
        let first = try await image(site, age: 7200)
        try await publish(site, first)
        #expect(try await deltas(site).0 == [])
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            let second = try await image(site, age: 60)
            try await publish(site, second)
            let (names, document) = try await deltas(site)
            let base = try ImageDocument(
                verified: try read(first.appending(ImageDocument.fileName)),
                subject: ""
            ).serial
            let patch = ImageDocument.patchName(from: base)
            #expect(names == [patch, ImageDocument.squashfsDeltaName(from: base)])
            #expect(try #require(document.files[patch]).size < 20_000)
            try await site.check().succeeded()
            let before = try await server.traffic().count
            let creation = try await host.download(server)
            try creation.result.succeeded()
            #expect(!creation.result.errors.contains("warning"), "\(creation.result.errors)")
            #expect(try text(creation.rootfs.appending("etc/build")).trimming() == document.serial.description)
            let traffic = try await server.traffic().dropFirst(before)
            #expect(traffic.contains { $0.path.hasSuffix(patch) })
            #expect(!traffic.contains { $0.path.contains("rootfs.") }, "\(traffic)")
        }
        let streams = try text(site.tree.appending("streams/v1/images.json"))
        #expect(streams.contains("\"delta_base\":") && streams.contains(".squashfs.vcdiff"))
        let left = try await Programs.shell("ls -A \"$1/.rootcellar\" \"$1/.rootcellar/tmp\"", site.tree.string)
        #expect(!left.contains("work-") && !left.contains("journal"))
    }

    @Test(
        "are from as many builds as wanted, are left out where they save too little, and are not made when not wanted"
    )
    func limits() async throws {
        let site = try await Site()
        for age in [7200, 5400, 3600] as [Int64] { try await publish(site, try await image(site, age: age)) }
        #expect(try await deltas(site).0.count { $0.hasSuffix(".patch.zst") } == 2)
        #expect(try await deltas(site).0.count { $0.hasSuffix(".vcdiff") } == 1)
        try await publish(site, try await image(site, age: 1800), "--deltas", "1")
        #expect(try await deltas(site).0.count { $0.hasSuffix(".patch.zst") } == 1)
        try await publish(site, try await image(site, age: 900), "--no-deltas")
        #expect(try await deltas(site).0 == [])
        try await publish(site, try await image(site, age: 600, seed: nil))
        #expect(try await deltas(site).0 == [])
        try await site.check().succeeded()
    }

    @Test("leave nothing behind when their publisher is killed while it makes them")
    func killed() async throws {
        let site = try await Site()
        try await publish(site, try await image(site, age: 7200))
        let second = try await image(site, age: 3600)
        let script = "exec strace -qqq -o /dev/null -e trace=ftruncate -e inject=ftruncate:signal=KILL:when=1 \"$@\""
        let program = Programs.directory.appending("rootcellar").string
        let result = try await runProgram("sh", ["-euc", script, "sh", program] + site.publication([second]))
        #expect(result.status == 137 || result.status == 128 + 9)
        let hidden = site.tree.appending(".rootcellar").string
        #expect(try await Programs.shell("ls \"$1\"", hidden).contains("work-"))
        try await site.check().succeeded()
        try await publish(site, second)
        #expect(try await !Programs.shell("ls \"$1\"", hidden).contains("work-"))
        #expect(try await deltas(site).0.count == 2)
        try await site.check().succeeded()
    }
}
