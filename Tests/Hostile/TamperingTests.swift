// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A changed byte", .scratchDirectory)
struct TamperingTests {
    /// What may be done to a file, with a name for messages.
    private static func changes(_ good: [UInt8], _ random: inout SeededGenerator) -> [(what: String, bytes: [UInt8])] {
        let offsets =
            [0, good.count / 2, good.count - 1]
            + (0..<2).map { _ in Int.random(in: 0..<good.count, using: &random) }
        var changes: [(String, [UInt8])] = []
        for offset in Set(offsets).sorted() {
            var bytes = good
            bytes[offset] ^= UInt8.random(in: 1...255, using: &random)
            changes.append(("byte \(offset)", bytes))
        }
        changes.append(("one byte less", good.dropLast()))
        changes.append(("one byte more", good + [0x41]))
        return changes
    }

    /// Whether the hash of a file is signed and the client reads it: then no change of it may pass.
    private static func isBound(_ file: String) -> Bool {
        file.hasPrefix("rootcellar/index/") || file == TreePath.manifest(2)
            || ["image.json", "meta.tar.xz", "rootfs.tar.zst"].contains { file.hasSuffix("/\($0)") }
    }

    /// Whether the client of this project reads a file at all.
    private static func isRead(_ file: String) -> Bool {
        isBound(file) || file.hasPrefix("rootcellar/root/") || file == TreePath.pointer
    }

    @Test("of any published file is refused with its class and changes nothing, or makes no difference")
    func anyByteOfAnyFile() async throws {
        var random = SeededGenerator()
        let seed = random.seed
        var image = SyntheticImage()
        image.bulk = 1500
        let site = try await Site.publishing(image)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let reference = try await host.download(server)
            try reference.result.succeeded()
            let good = try await Outcome(host, reference)
            let files = try await site.files()
            #expect(files.count > 15)
            for file in files {
                let path = site.tree.appending(file)
                let bytes = try read(path)
                for (what, changed) in Self.changes(bytes, &random) {
                    let comment = Comment(rawValue: "\(file), \(what), seed \(seed)")
                    try write(changed, to: path)
                    host.emptyCache()
                    let creation = try await host.download(server)
                    if creation.result.status == 0 {
                        #expect(!Self.isBound(file), comment)
                        #expect(try await creation.snapshot() == good.rootfs, comment)
                        #expect(try text(creation.config) == good.config, comment)
                    } else {
                        #expect(Self.isRead(file), comment)
                        try await good.expectNothing(of: creation, host, comment)
                    }
                    creation.remove()
                }
                try write(bytes, to: path)
                guard Self.isRead(file) else { continue }
                // Nothing that the last attempt left in the cache is believed.
                let after = try await host.download(server)
                #expect(after.result.status == 0, "after \(file), seed \(seed): \(after.result.errors)")
                #expect(try await after.snapshot() == good.rootfs, "after \(file), seed \(seed)")
                #expect(try await host.strangeCacheFiles() == [], "after \(file), seed \(seed)")
                after.remove()
            }
        }
    }

    /// What an untampered creation gives.
    private struct Outcome {
        let rootfs: Snapshot
        let config: String
        let state: String
        let archive: [UInt8]

        init(_ host: ClientHost, _ creation: Creation) async throws {
            rootfs = try await creation.snapshot()
            config = try text(creation.config)
            state = try Self.state(host) ?? ""
            let files = try await host.cacheFiles().filter { $0.hasPrefix("objects/sha256/") }
            let objects = try files.map { try read(host.cache.appending($0)) }
            archive = objects.max { $0.count < $1.count } ?? []
        }

        private static func state(_ host: ClientHost) throws -> String? {
            let path = host.cache.appending("servers/\(Site.id).json")
            // The entity tag says when a file was written, not what is in it.
            return exists(path) ? try text(path).replacing(/"etag":"([^"\\]|\\.)*",/, with: "") : nil
        }

        /// One line naming a class, an untouched container, and a cache in which everything is true.
        func expectNothing(of creation: Creation, _ host: ClientHost, _ comment: Comment) async throws {
            let status = creation.result.status
            #expect((10...21).contains(status), "\(comment): \(creation.result.errors)")
            let named = ErrorClass.allCases.first { Int($0.exitStatus) == status }
            let prefix = "rootcellar: \(named?.rawValue ?? "?"): "
            #expect(creation.result.errorLine?.hasPrefix(prefix) == true, "\(comment): \(creation.result.errors)")
            #expect(try creation.isUntouched, comment)
            let found = try Self.state(host)
            #expect(found == nil || found == state, comment)
            let strange = try await host.strangeCacheFiles()
            for file in strange {
                let bytes = try read(host.cache.appending(file))
                let isPart = file.hasPrefix("objects/partial/") && archive.starts(with: bytes)
                #expect(isPart, "\(comment): \(file)")
            }
        }
    }
}
