// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Pruning a published tree", .scratchDirectory, .serialized)
struct PruneTests {
    private struct Report: Decodable {
        struct Build: Decodable { var serial: String }
        var manifest: Int
        var dropped: [Build]
        var removed: [String]
        var removedBytes: Int
    }

    private func report(_ result: ProgramResult) throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(result.succeeded().output.utf8))
    }

    @Test("says what it would free, frees just that, and the tree is right at each step")
    func told() async throws {
        let site = try await Site.aged()
        let before = try await site.publishedSerials()
        #expect(before.count == 5)
        let untouched = try await Snapshot(site.tree).without("./.rootcellar", "./.rootcellar/tmp")
        let dry = try await report(site.rootcellar("repo", "prune", "--keep", "1", "--dry-run", "--json"))
        #expect(
            try await Snapshot(site.tree).without("./.rootcellar", "./.rootcellar/tmp").differences(from: untouched)
                == []
        )
        #expect(dry.dropped.map(\.serial) == Array(before[2...3]))
        #expect(dry.removed.filter { $0.hasPrefix("images/") }.count == 2)

        let space = try await Programs.shell("find \"$1\" -type f -printf '%s\\n' | paste -sd+ | bc", site.tree.string)
        let done = try await report(site.rootcellar("repo", "prune", "--keep", "1", "--json"))
        #expect(done.removed == dry.removed && done.removedBytes == dry.removedBytes)
        #expect(done.manifest == dry.manifest + 1)
        #expect(try await site.publishedSerials() == Array(before[2...]))
        let left = try await Programs.shell("find \"$1\" -type f -printf '%s\\n' | paste -sd+ | bc", site.tree.string)
        // The new manifest and index are small.
        let freed = (Int(space.trimming()) ?? 0) - (Int(left.trimming()) ?? 0)
        #expect(abs(freed - done.removedBytes) < 20_000, "\(freed) \(done.removedBytes)")
        try await site.check().succeeded()
        #expect(try text(site.tree.appending("meta/1.0/index-user")).contains(before[4]))
        let metas = try await Programs.shell("ls -A \"$1/meta\"", site.tree.string)
        #expect(metas == ".1.0-\(done.manifest)\n1.0\n")
    }

    @Test("99: pruning during slow downloads -> they complete")
    func slowDownloads() async throws {
        // More than fits into the buffers between a server and a reader who stops reading.
        let site = try await Site.aged(bulk: 24_000)
        let serials = try await site.publishedSerials()
        let directory = site.tree.appending("images/example/one/amd64/default")
        let hashes = try await Programs.shell(
            "cd \"$1\"; sha256sum < \"$2/rootfs.tar.xz\"; sha256sum < \"$3/rootfs.tar.xz\"",
            directory.string,
            serials[0],
            serials[3]
        )
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            // One that holds on to a file which is removed while it reads, and one of a build that leaves the catalogue.
            let url = "\(server.url)/images/example/one/amd64/default"
            async let first = slowly("\(url)/\(serials[0])/rootfs.tar.xz", server, "first")
            async let second = slowly("\(url)/\(serials[3])/rootfs.tar.xz", server, "second")
            for name in ["first", "second"] { try await hasBegun(name) }
            let done = try await report(site.rootcellar("repo", "prune", "--keep", "1", "--json"))
            #expect(done.removed.contains { $0.hasSuffix(serials[0]) })
            #expect(done.dropped.map(\.serial) == Array(serials[2...3]))
            #expect(!exists(directory.appending(serials[0])))
            try write([], to: ScratchDirectory.path.appending("go-on"))
            #expect(try await [first, second].joined() == hashes)

            // One that has read no more than the manifest when the build leaves the catalogue finds all the rest.
            let manifest = try await Programs.shell(
                "cd \"$1/rootcellar/manifest\"; cat $(($2 - 1)).signed",
                site.tree.string,
                String(done.manifest)
            )
            let shard = try #require(manifest.firstMatch(of: /"example":\{"sha256":"([0-9a-f]{64})"/))
            let get = "curl -fsS --cacert \"$1\" \"$2\""
            let index = try await Programs.shell(
                get,
                server.authority.string,
                "\(server.url)/rootcellar/index/\(shard.1).json"
            )
            #expect(index.contains(serials[3]))
            for file in ["image.json", "meta.tar.xz", "rootfs.tar.zst"] {
                let file = "\(url)/\(serials[3])/\(file)"
                try await Programs.shell("\(get) > /dev/null", server.authority.string, file)
            }
            try await host.download(server).result.succeeded()
        }
        try await site.check().succeeded()
    }

    /// Reads a file whose reader stops after the first bytes, until there is a file `go-on`.
    ///
    /// - Returns: its hash, as sha256sum(1) prints it.
    private func slowly(_ url: String, _ server: PublishedServer, _ name: String) async throws -> String {
        try await Programs.shell(
            """
            curl -fsS --cacert "$1" "$2" | (
                dd bs=1000 count=1 iflag=fullblock of="$3/$4" status=none
                while [ ! -e "$3/go-on" ]; do sleep 0.05; done
                cat >> "$3/$4"
            )
            sha256sum < "$3/$4"
            """,
            server.authority.string,
            url,
            ScratchDirectory.path.string,
            name
        )
    }

    private func hasBegun(_ name: String) async throws {
        for _ in 0..<400 where (try? read(ScratchDirectory.path.appending(name)).isEmpty) != false {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test("101: pruning with an empty or broken catalogue -> REPOSITORY, nothing is removed")
    func broken() async throws {
        let empty = try await Site()
        let refused = try await empty.rootcellar("repo", "prune", "--keep", "1")
        #expect(refused.status == 34 && refused.errorLine?.contains("the catalogue is empty") == true)

        let site = try await Site.aged()
        let documents = try await site.files().filter { $0.wholeMatch(of: /rootcellar\/.*(signed|json)/) != nil }
        let before = try await site.files()
        for document in documents {
            let bytes = try read(site.tree.appending(document))
            try write([], to: site.tree.appending(document))
            let result = try await site.rootcellar("repo", "prune", "--keep", "1")
            #expect(result.status == 34, "\(document): \(result.errors)")
            let line = result.errorLine
            #expect(line?.hasPrefix("rootcellar: REPOSITORY: the catalogue is broken, nothing was removed") == true)
            try write(bytes, to: site.tree.appending(document))
            #expect(try await site.files() == before)
        }
        try await site.check().succeeded()
    }

    @Test("98: pruning while somebody publishes -> one waits for the other, nothing is lost")
    func besidePublisher() async throws {
        let site = try await Site.aged()
        let oldest = try await site.publishedSerials()[0]
        var image = SyntheticImage()
        image.age = 0
        image.bulk = 300
        let directory = try await image.write(to: site.top.appending("newest"))
        async let published = site.publish(directory)
        async let pruned = site.rootcellar("repo", "prune", "--keep", "1")
        try await published.succeeded()
        try await pruned.succeeded()
        let serials = try await site.publishedSerials()
        #expect(serials.count == 4 && !serials.contains(oldest))
        try await site.check().succeeded()
    }

    // The sweeps of `PublishFaultTests`, for what pruning does.

    @Test("94: SIGKILL while pruning -> the tree is right, the next publisher ends it")
    func kill() async throws { try await sweep().run([.kill], "prune-kill") { !$0.everywhere } }

    @Test("95: no space, input/output errors, no descriptors while pruning -> the tree is right, a failure is reported")
    func errors() async throws {
        let kinds: [Fault.Kind] = [.error("ENOSPC"), .error("EIO"), .error("EMFILE")]
        try await sweep().run(kinds, "prune-errors") { _ in true }
    }

    @Test("96: fsync fails while pruning -> a failure is reported, nothing that is read is gone")
    func flush() async throws {
        try await sweep().run([.error("EIO")], "prune-fsync") { $0.call == "fsync" && !$0.everywhere }
    }

    private func sweep() async throws -> PublisherSweep {
        let site = try await Site.aged()
        let serials = try await site.publishedSerials()
        return PublisherSweep(site: site, words: ["repo", "prune", "--keep", "1"], builds: (3, 1)) { tree in
            let left = try await Site(at: tree.removingLastComponent(), fingerprint: "").publishedSerials()
            #expect(left == Array(serials[2...]))
        }
    }
}
