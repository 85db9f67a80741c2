// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The way back in time", .scratchDirectory)
struct FreshnessTests {
    @Test("is closed: an older pointer and manifest are ROLLBACK, and nothing has changed")
    func olderPair() async throws {
        let site = try await Site.publishing()
        let old = ScratchDirectory.path.appending("old")
        try await Programs.shell("cp -a \"$1/rootcellar\" \"$2\"", site.tree.string, old.string)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            var newer = SyntheticImage()
            newer.age = 60
            try await site.publish(newer)
            try await host.download(server).result.succeeded()
            let cache = try await host.cacheSnapshot()
            try await Programs.shell(
                "rm -r \"$1/rootcellar/manifest\" \"$1/rootcellar/index\"; cp -a \"$2/.\" \"$1/rootcellar\"",
                site.tree.string,
                old.string
            )
            #expect(try site.readPointer().manifest.version == 2)
            try await expectRefusal(host, server, "ROLLBACK", 12, cache)
            // A new host has seen nothing newer.
            let other = try ClientHost("other")
            try await other.trust(server, site)
            try await other.download(server).result.succeeded()
        }
    }

    @Test("is closed sideways too: another manifest of the same version is ROLLBACK")
    func equivocation() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            let cache = try await host.cacheSnapshot()
            let path = site.tree.appending(TreePath.manifest(2))
            let file = try SignedFile(reading: try read(path), kind: .manifest, subject: "manifest")
            var manifest = try Manifest(verified: file.payload, subject: "manifest")
            manifest.signedAt = manifest.signedAt.adding(seconds: 1)
            let other = manifest
            let bytes = try await Forger(site).using { forger in
                try await forger.signedFile(.manifest, other, by: try await forger.fingerprint("(release)"))
            }
            try write(bytes, to: path)
            try await site.replacePointer { $0.manifest.file = FileReference(of: bytes) }
            try await expectRefusal(host, server, "ROLLBACK", 12, cache)
        }
    }

    @Test(
        "does not stand still either: past its validity a pointer is FREEZE, but the cache still serves, with a warning"
    )
    func expiredPointer() async throws {
        let site = try await Site.publishing()
        try await site.publish(other)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let fresh = try await host.download(server)
            try fresh.result.succeeded()
            let cache = try await host.cacheSnapshot()
            try await site.replacePointer {
                $0.signedAt = clock.adding(seconds: -8 * 86400)
                $0.validUntil = clock.adding(seconds: -86400)
            }
            let refused = try await host.download(server, "example/two/amd64")
            #expect(refused.result.status == 13)
            #expect(refused.result.errorLine?.hasPrefix("rootcellar: FREEZE: ") == true, "\(refused.result.errors)")
            #expect(try refused.isUntouched)

            let stale = try await host.download(server)
            try stale.result.succeeded()
            #expect(stale.result.errors.contains("rootcellar: warning: "))
            #expect(stale.result.errors.contains("FREEZE"))
            #expect(stale.result.errors.contains("0 days old"))
            #expect(try await stale.snapshot().differences(from: try await fresh.snapshot()) == [])
            #expect(try await host.cacheSnapshot().differences(from: cache) == [])

            // A host that has never seen a valid pointer gets nothing.
            let late = try ClientHost("late")
            let pin = try await late.trust(server.url, site.fingerprint, authority: server.authority)
            #expect(pin.status == 13)
            #expect(try await Snapshot(late.configuration).entries.count == 1)
        }
    }

    @Test("is no way forward: a pointer from the future is CLOCK")
    func futurePointer() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            let cache = try await host.cacheSnapshot()
            try await site.replacePointer {
                $0.signedAt = clock.adding(seconds: 86400)
                $0.validUntil = clock.adding(seconds: 5 * 86400)
            }
            try await expectRefusal(host, server, "CLOCK", 21, cache)
        }
    }

    private var other: SyntheticImage {
        var image = SyntheticImage()
        image.name = "example/two/amd64"
        image.age = 3600
        image.bulk = 10
        return image
    }
}

/// Expects a creation to be refused with one line of a class and to leave everything as it was.
func expectRefusal(
    _ host: ClientHost,
    _ server: PublishedServer,
    _ errorClass: String,
    _ status: Int,
    _ cache: Snapshot,
    _ options: String...,
    image: String = "example/one/amd64",
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let creation = try await host.download(server.address, image, options)
    let errors = Comment(rawValue: creation.result.errors)
    #expect(creation.result.status == status, errors, sourceLocation: sourceLocation)
    #expect(
        creation.result.errorLine?.hasPrefix("rootcellar: \(errorClass): ") == true,
        errors,
        sourceLocation: sourceLocation
    )
    #expect(try creation.isUntouched, sourceLocation: sourceLocation)
    #expect(try await host.cacheSnapshot().differences(from: cache) == [], sourceLocation: sourceLocation)
}
