// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A server's word", .scratchDirectory)
struct SignatureTests {
    /// What a forger has to work with: a payload that is valid for longer than the publisher wanted, what has to be
    /// signed for it, the real pointer, and the keys of the site.
    private struct Forgery: Sendable {
        var payload: [UInt8]
        var good: SignedFile
        var forger: Forger
        var freshness: String
        var message: [UInt8] { SignedFile.signedBytes(kind: .pointer, payload: payload) }

        func file(_ signatures: [UInt8]) -> [UInt8] { SignedFile(payload: payload, signatures: signatures).bytes }
    }

    /// Puts what `forge` makes into the place of the pointer and expects it to be refused.
    private func expectRefusal(
        _ errorClass: ErrorClass = .signature,
        saying text: String = "",
        change: @Sendable (inout Pointer) -> Void = { $0.validUntil = $0.validUntil.adding(seconds: 86400) },
        before: (Stage) async throws -> Void = { _ in },
        sourceLocation: SourceLocation = #_sourceLocation,
        _ forge: (Forgery) async throws -> [[UInt8]]
    ) async throws {
        try await Stage.run { stage in
            try await before(stage)
            let genuine = try read(stage.site.pointer)
            let files = try await Forger(stage.site).using { forger in
                var pointer = try stage.site.readPointer()
                change(&pointer)
                let key = try stage.root().keys(of: .freshness).fingerprints[0].hex
                let good = try SignedFile(reading: genuine, kind: .pointer, subject: "pointer")
                return try await forge(
                    Forgery(payload: try pointer.canonicalBytes(), good: good, forger: forger, freshness: key)
                )
            }
            for file in files {
                try write(file, to: stage.site.pointer)
                let line = try await stage.refused(errorClass, sourceLocation: sourceLocation)
                #expect(line.contains(text), "\(line)", sourceLocation: sourceLocation)
            }
            // The same host goes on where it was.
            try write(genuine, to: stage.site.pointer)
            let creation = try await stage.download()
            #expect(
                creation.result.status == 0,
                Comment(rawValue: creation.result.errors),
                sourceLocation: sourceLocation
            )
        }
    }

    @Test("1: no pointer -> TRANSPORT, and the next mirror is asked")
    func missing() async throws {
        try await HostileServer.with { mirror in
            try await Stage.run(mirrors: [mirror.url]) { stage in
                stage.server.on("/" + TreePath.pointer) { _ in .response(status: 404) }
                try await stage.refused(.transport)
                mirror.serve(directory: stage.site.tree)
                let creation = try await stage.download()
                try creation.result.succeeded()
                #expect(creation.result.errors.contains("\(stage.server.url) is left"), "\(creation.result.errors)")
            }
        }
    }

    @Test("2: a login page with 200 -> SIGNATURE, and the text says what it looks like")
    func loginPage() async throws {
        try await Stage.run { stage in
            let page = Array("<!DOCTYPE html>\n<html><body>Please log in</body></html>\n".utf8)
            stage.server.otherwise { _ in .response(["Content-Type: text/html"], body: page) }
            let line = try await stage.refused(.signature)
            #expect(line.contains("log in to the network first"))
        }
    }

    @Test("3: a missing, empty or junk signature, or one of other content -> SIGNATURE")
    func junk() async throws {
        try await expectRefusal { [$0.file([]), $0.file(Array("junk\n".utf8)), $0.file($0.good.signatures)] }
    }

    @Test("4: a signature by a key that is in the user's own keyring -> SIGNATURE")
    func userKeyring() async throws {
        try await Stage.run { stage in
            let home = stage.host.home.appending(".gnupg")
            try await Forger(strangerIn: "stranger").using { stranger in
                let key = try await stranger.makeKey("Somebody")
                try await Programs.shell("cp -a \"$1\" \"$2\"; rm -f \"$2\"/S.*", stranger.home.string, home.string)
                let payload = try stage.site.readPointer().canonicalBytes()
                let message = SignedFile.signedBytes(kind: .pointer, payload: payload)
                let file = SignedFile(payload: payload, signatures: try await stranger.sign(message, by: key))
                try write(file.bytes, to: stage.site.pointer)
            }
            try await stage.refused(.signature)
        }
    }

    @Test("4b: another key than the pinned one at first contact -> SIGNATURE, and nothing is written")
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

    @Test("5: a key with the same user id, or of another role -> SIGNATURE")
    func sameName() async throws {
        try await expectRefusal { forgery in
            let release = try await forgery.forger.fingerprint("(release)")
            let ownRole = forgery.file(try await forgery.forger.sign(forgery.message, by: release))
            let stranger = try await Forger(strangerIn: "stranger").using { stranger in
                let key = try await stranger.makeKey("Example (freshness)")
                return forgery.file(try await stranger.sign(forgery.message, by: key))
            }
            let otherKind = SignedFile.signedBytes(kind: .manifest, payload: forgery.payload)
            let kind = forgery.file(try await forgery.forger.sign(otherKind, by: forgery.freshness))
            return [stranger, ownRole, kind]
        }
    }

    @Test("6: an old message with its signature inside, beside changed data -> SIGNATURE")
    func inline() async throws {
        try await expectRefusal { forgery in
            let old = SignedFile.signedBytes(kind: .pointer, payload: forgery.good.payload)
            return [
                forgery.file(try await forgery.forger.sign(old, by: forgery.freshness, "--sign")),
                forgery.file(try await forgery.forger.sign(forgery.message, by: forgery.freshness, "--sign")),
            ]
        }
    }

    @Test("7: clearsigned text, with and without lines around it -> SIGNATURE")
    func clearsigned() async throws {
        try await expectRefusal { forgery in
            let text = try await forgery.forger.sign(forgery.payload, by: forgery.freshness, "--clear-sign")
            let line = Array("a line\n".utf8)
            return [text, line + text + line, forgery.file(text), forgery.file(line + text + line)]
        }
    }

    @Test("8: two clearsigned blocks -> SIGNATURE")
    func twoBlocks() async throws {
        try await expectRefusal { forgery in
            let text = try await forgery.forger.sign(forgery.message, by: forgery.freshness, "--clear-sign")
            return [text + text, forgery.file(text + text)]
        }
    }

    @Test("9: data changed only in its line ends or trailing blanks -> SIGNATURE")
    func lineEnds() async throws {
        try await expectRefusal(change: { _ in }) { forgery in
            let payload = forgery.good.payload
            let cut = Array(payload.dropLast())
            let changed: [[UInt8]] = [cut + [0x0D, 0x0A], cut + [0x20, 0x0A], payload + [0x0A]]
            return changed.map { SignedFile(payload: $0, signatures: forgery.good.signatures).bytes }
        }
    }

    @Test("10: a text-class signature -> SIGNATURE")
    func textClass() async throws {
        try await expectRefusal(saying: "class 1") { forgery in
            [
                forgery.file(
                    try await forgery.forger.sign(forgery.message, by: forgery.freshness, options: ["--textmode"])
                )
            ]
        }
    }

    @Test("11: SHA-1 by the pinned key -> SIGNATURE")
    func weakHash() async throws {
        try await expectRefusal(saying: "hash algorithm 2") { forgery in
            let options = ["--digest-algo", "SHA1"]
            return [
                forgery.file(try await forgery.forger.sign(forgery.message, by: forgery.freshness, options: options))
            ]
        }
    }

    @Test("12: a key that its root document shows as revoked -> SIGNATURE")
    func revoked() async throws {
        try await changedRoot { root, forger, pointer in
            let freshness = try await forger.fingerprint("(freshness)")
            // Signed while the key could still sign, as its thief would.
            let file = try await forger.signedFile(.pointer, pointer, by: freshness)
            let revocation = try await Programs.shell(
                "sed 's/^:-/-/' \"$1/openpgp-revocs.d/$2.rev\"",
                forger.home.string,
                freshness
            )
            _ = try await forger.gpg(["--import"], input: revocation)
            root.publicKeys = try await blocks(forger)
            return file
        } expecting: { line in
            line.contains("revoked")
        }
    }

    @Test("13: an expired key -> SIGNATURE, and what to ask its owner for")
    func expiredKey() async throws {
        try await changedRoot { root, forger, pointer in
            let time = ["--faked-system-time", "20200101T000000"]
            _ = try await forger.gpg(time + ["--quick-gen-key", "Old", "ed25519", "sign,cert", "1y"])
            let key = try await forger.fingerprint("Old")
            root.roles[.freshness] = RootDocument.Keys(threshold: 1, fingerprints: [try Fingerprint(key)])
            root.publicKeys =
                try await blocks(forger, without: "(freshness)") + [
                    try await forger.gpg(["--armor", "--export", key])
                ]
            let payload = try pointer.canonicalBytes()
            let message = SignedFile.signedBytes(kind: .pointer, payload: payload)
            let early = ["--faked-system-time", "20200601T000000"]
            return SignedFile(payload: payload, signatures: try await forger.sign(message, by: key, options: early))
                .bytes
        } expecting: { line in
            line.contains("expired") && line.contains("renewed")
        }
    }

    @Test("14: an expired signature -> SIGNATURE")
    func expiredSignature() async throws {
        try await expectRefusal(saying: "expired") { forgery in
            let options = ["--default-sig-expire", "seconds=1"]
            let file = forgery.file(
                try await forgery.forger.sign(forgery.message, by: forgery.freshness, options: options)
            )
            try await Task.sleep(for: .seconds(3))
            return [file]
        }
    }

    @Test("15: a signature dated in the future -> CLOCK")
    func future() async throws {
        try await expectRefusal(.clock) { forgery in
            let options = ["--faked-system-time", "\(clock.adding(seconds: 86400).seconds)"]
            return [
                forgery.file(try await forgery.forger.sign(forgery.message, by: forgery.freshness, options: options))
            ]
        }
        try await expectRefusal(.clock, change: { $0.signedAt = clock.adding(seconds: 3600) }) { forgery in
            [forgery.file(try await forgery.forger.sign(forgery.message, by: forgery.freshness))]
        }
    }

    /// Makes the publisher ask for two signatures under each pointer.
    private func askForTwo(_ stage: Stage) async throws {
        try await Programs.rootcellar(
            "key",
            "rotate",
            "--role",
            "freshness",
            "--count",
            "2",
            "--threshold",
            "2",
            "--repo",
            stage.site.tree.string,
            "--keys",
            stage.site.keys.string
        ).succeeded()
        try await stage.download().result.succeeded()
    }

    @Test("16: one key that signs twice where two have to -> SIGNATURE")
    func sameKeyTwice() async throws {
        try await expectRefusal(before: askForTwo) { forgery in
            let first = try await forgery.forger.sign(forgery.message, by: forgery.freshness)
            let second = try await forgery.forger.sign(forgery.message, by: forgery.freshness)
            return [forgery.file(first), forgery.file(first + second), forgery.file(first + first)]
        }
    }

    @Test("17: two subkeys of one key where two keys have to sign -> SIGNATURE")
    func twoSubkeys() async throws {
        try await changedRoot { root, forger, pointer in
            let key = try await forger.fingerprint("(freshness)")
            for _ in 0..<2 { _ = try await forger.gpg(["--quick-add-key", key, "ed25519", "sign", "never"]) }
            let other = try await forger.makeKey("Other")
            let both = [try Fingerprint(key), try Fingerprint(other)]
            root.roles[.freshness] = RootDocument.Keys(threshold: 2, fingerprints: both)
            root.publicKeys = try await blocks(forger) + [try await forger.gpg(["--armor", "--export", other])]
            let listing = try await forger.gpg(["--with-colons", "--list-keys", key])
            let subkeys = listing.split(separator: "\n").filter { $0.hasPrefix("fpr:") }.dropFirst()
                .compactMap { $0.split(separator: ":").last }
            #expect(subkeys.count == 2)
            let payload = try pointer.canonicalBytes()
            let message = SignedFile.signedBytes(kind: .pointer, payload: payload)
            var signatures: [UInt8] = []
            for subkey in subkeys { signatures += try await forger.sign(message, by: "\(subkey)!") }
            return SignedFile(payload: payload, signatures: signatures).bytes
        } expecting: { line in
            line.contains("2")
        }
    }

    @Test("18: one good and one bad signature -> SIGNATURE")
    func goodAndBad() async throws {
        try await expectRefusal { forgery in
            let good = try await forgery.forger.sign(forgery.message, by: forgery.freshness)
            let bad = try await forgery.forger.sign(forgery.message + [0], by: forgery.freshness)
            return [forgery.file(good + bad), forgery.file(bad + good)]
        }
    }

    @Test("19: one good and one unknown signature -> accepted")
    func goodAndUnknown() async throws {
        try await Stage.run { stage in
            let pointer = try stage.site.readPointer()
            let payload = try pointer.canonicalBytes()
            let message = SignedFile.signedBytes(kind: .pointer, payload: payload)
            let unknown = try await Forger(strangerIn: "stranger").using { stranger in
                try await stranger.sign(message, by: try await stranger.makeKey("Somebody"))
            }
            let good = try await Forger(stage.site).using { forger in
                try await forger.sign(message, by: try await forger.fingerprint("(freshness)"))
            }
            try write(
                SignedFile(payload: payload, signatures: unknown + good).bytes,
                to: stage.site.pointer
            )
            try await stage.download().result.succeeded()
        }
    }

    @Test("23: a root document whose public keys hold one more than it names -> SIGNATURE")
    func extraKey() async throws {
        try await changedRoot { root, forger, pointer in
            let freshness = try await forger.fingerprint("(freshness)")
            let other = try await forger.makeKey("Somebody")
            root.publicKeys =
                try await blocks(forger, without: "(freshness)") + [
                    try await forger.gpg(["--armor", "--export", freshness, other])
                ]
            return try await forger.signedFile(.pointer, pointer, by: freshness)
        } expecting: { line in
            line.contains("not expected")
        }
    }

    // MARK: - Forged root documents

    /// Publishes a second root document, signed by the real root key, and a pointer that asks for it; the client has to
    /// refuse them, whether it was here before or not.
    private func changedRoot(
        _ change: (inout RootDocument, Forger, Pointer) async throws -> [UInt8],
        expecting isRight: (String) -> Bool
    ) async throws {
        try await Stage.run { stage in
            let before = try stage.root()
            let document = try await Forger(stage.site).using { forger in
                var root = before
                root.version = 2
                var pointer = try stage.site.readPointer()
                pointer.root = 2
                let file = try await change(&root, forger, pointer)
                try write(file, to: stage.site.pointer)
                let changed = root
                return try await forger.signedFile(.root, changed, by: stage.site.fingerprint)
            }
            try write(document, to: stage.site.tree.appending(TreePath.root(2)))
            try write(
                try read(stage.site.tree.appending(TreePath.rootKeys(1))),
                to: stage.site.tree.appending(TreePath.rootKeys(2))
            )
            let line = try await stage.refused(.signature)
            #expect(isRight(line), "\(line)")
            stage.host.emptyCache()
            #expect(isRight(try await stage.refused(.signature)))
        }
    }

    /// The public keys of the site's roles.
    private func blocks(_ forger: Forger, without missing: String = "") async throws -> [String] {
        var blocks: [String] = []
        for role in Role.allCases.map({ "(\($0.rawValue))" }) where role != missing {
            blocks.append(try await forger.gpg(["--armor", "--export", try await forger.fingerprint(role)]))
        }
        return blocks
    }
}
