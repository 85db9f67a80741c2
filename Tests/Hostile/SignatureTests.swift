// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A server's word", .scratchDirectory)
struct SignatureTests {
    /// What may stand in the place of a pointer, and why it must not be believed.
    private func forgeries(_ site: Site) async throws -> [(what: String, bytes: [UInt8])] {
        let good = try SignedFile(reading: try read(site.pointer), kind: .pointer, subject: "pointer")
        var pointer = try site.readPointer()
        pointer.validUntil = pointer.validUntil.adding(seconds: 86400)
        let longer = pointer
        let payload = try longer.canonicalBytes()
        let signed = SignedFile.signedBytes(kind: .pointer, payload: payload)
        let old = SignedFile.signedBytes(kind: .pointer, payload: good.payload)
        func file(_ signatures: [UInt8]) -> [UInt8] { SignedFile(payload: payload, signatures: signatures).bytes }
        var cases: [(String, [UInt8])] = [
            ("the signature of other content", file(good.signatures)),
            ("no signature", file([])),
            ("junk for a signature", file(Array("not a signature\n".utf8))),
        ]
        try await Forger(strangerIn: "stranger").using { stranger in
            let key = try await stranger.makeKey("Example (freshness)")
            cases.append(("a stranger of the same name", file(try await stranger.sign(signed, by: key))))
        }
        try await Forger(site).using { forger in
            let freshness = try await forger.fingerprint("(freshness)")
            let release = try await forger.fingerprint("(release)")
            cases += [
                ("a key of another role", file(try await forger.sign(signed, by: release))),
                (
                    "the right key, for another kind of document",
                    file(
                        try await forger.sign(SignedFile.signedBytes(kind: .manifest, payload: payload), by: freshness)
                    )
                ),
                ("clearsigned text", try await forger.sign(payload, by: freshness, "--clear-sign")),
                (
                    "clearsigned text for a signature",
                    file(try await forger.sign(signed, by: freshness, "--clear-sign"))
                ),
                (
                    "a message that has its signature inside",
                    file(try await forger.sign(signed, by: freshness, "--sign"))
                ),
                ("such a message of the old content", file(try await forger.sign(old, by: freshness, "--sign"))),
            ]
        }
        return cases
    }

    @Test("is SIGNATURE in every form but its own key's detached signature, and nothing has changed")
    func forged() async throws {
        let site = try await Site.publishing()
        let good = try read(site.pointer)
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            let cache = try await host.cacheSnapshot()
            for (what, bytes) in try await forgeries(site) {
                try write(bytes, to: site.pointer)
                let creation = try await host.download(server)
                #expect(creation.result.status == 11, "\(what): \(creation.result.errors)")
                #expect(creation.result.errorLine?.hasPrefix("rootcellar: SIGNATURE: ") == true, "\(what)")
                #expect(try creation.isUntouched, "\(what)")
                #expect(try await host.cacheSnapshot().differences(from: cache) == [], "\(what)")
            }
            try write(good, to: site.pointer)
            try await host.download(server).result.succeeded()
        }
    }

    @Test("is SIGNATURE with a hint if it is a login page, and TRANSPORT if it is not there")
    func noPointer() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            host.emptyCache()
            try write("<!DOCTYPE html>\n<html><body>Please log in</body></html>\n".utf8, to: site.pointer)
            let page = try await host.download(server)
            #expect(page.result.status == 11)
            #expect(page.result.errorLine?.contains("log in to the network first") == true, "\(page.result.errors)")
            #expect(try page.isUntouched)

            removeTree(site.pointer)
            let missing = try await host.download(server)
            #expect(missing.result.status == 10)
            #expect(missing.result.errorLine?.hasPrefix("rootcellar: TRANSPORT: ") == true, "\(missing.result.errors)")
            #expect(try missing.isUntouched)
        }
    }

    @Test("is SIGNATURE once the root document says that its key was revoked")
    func revoked() async throws {
        let site = try await Site.publishing()
        let rootPath = site.tree.appending(TreePath.root(1))
        let file = try SignedFile(reading: try read(rootPath), kind: .root, subject: "root")
        let root = try RootDocument(verified: file.payload, subject: "root")
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            let cache = try await host.cacheSnapshot()
            try await Forger(site).using { forger in
                let freshness = try await forger.fingerprint("(freshness)")
                // Signed while the key could still sign, as its thief would.
                var pointer = try site.readPointer()
                pointer.root = 2
                let stolen = pointer
                try write(try await forger.signedFile(.pointer, stolen, by: freshness), to: site.pointer)
                let revocation = try await Programs.shell(
                    "sed 's/^:-/-/' \"$1/openpgp-revocs.d/$2.rev\"",
                    forger.home.string,
                    freshness
                )
                _ = try await forger.gpg(["--import"], input: revocation)
                var second = root
                second.version = 2
                second.publicKeys = []
                for role in Role.allCases {
                    let key = try await forger.fingerprint("(\(role.rawValue))")
                    second.publicKeys.append(try await forger.gpg(["--armor", "--export", key]))
                }
                let document = second
                let bytes = try await forger.signedFile(.root, document, by: site.fingerprint)
                try write(bytes, to: site.tree.appending(TreePath.root(2)))
                try write(
                    try read(site.tree.appending(TreePath.rootKeys(1))),
                    to: site.tree.appending(TreePath.rootKeys(2))
                )
            }
            try await expectRefusal(host, server, "SIGNATURE", 11, cache)
            let other = try ClientHost("other")
            let pin = try await other.trust(server.url, site.fingerprint, authority: server.authority)
            #expect(pin.status == 11, "\(pin.errors)")
            #expect(try await Snapshot(other.configuration).entries.count == 1)
        }
    }

    @Test("is SIGNATURE at first contact if another key is pinned, and nothing is written")
    func otherPin() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            let pin = try await host.trust(
                server.url,
                String(repeating: "AB", count: 20),
                authority: server.authority
            )
            #expect(pin.status == 11)
            #expect(pin.errorLine?.hasPrefix("rootcellar: SIGNATURE: ") == true)
            #expect(try await Snapshot(host.configuration).entries.count == 1)
            let creation = try await host.download(server)
            #expect(creation.result.status == 20)
            #expect(creation.result.errorLine?.contains("rootcellar trust add") == true)
        }
    }

    @Test("is BINDING if it speaks for another server, whether it was seen before or not")
    func otherServer() async throws {
        let site = try await Site.publishing()
        let other = ScratchDirectory.path.appending("other-tree")
        try await Programs.rootcellar(
            "repo",
            "init",
            "--repo",
            other.string,
            "--keys",
            site.keys.string,
            "--id",
            "other.example.org"
        ).succeeded()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            let cache = try await host.cacheSnapshot()
            try await Programs.shell(
                "rm -r \"$1/rootcellar\"; cp -a \"$2/rootcellar\" \"$1\"",
                site.tree.string,
                other.string
            )
            try await expectRefusal(host, server, "BINDING", 14, cache)
            host.emptyCache()
            try await expectRefusal(host, server, "BINDING", 14, try await host.cacheSnapshot())
        }
    }
}
