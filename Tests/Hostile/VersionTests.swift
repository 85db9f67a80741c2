// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Versions, keys and clocks", .scratchDirectory)
struct VersionTests {
    private func rootcellar(_ words: String..., stage: Stage) async throws -> ProgramResult {
        let place = ["--repo", stage.site.tree.string, "--keys", stage.site.keys.string]
        return try await runProgram(Programs.directory.appending("rootcellar").string, words + place)
    }

    /// Keeps a copy of the documents of the tree as they are now.
    private func keep(_ stage: Stage, as name: String) async throws -> FilePath {
        let path = ScratchDirectory.path.appending(name)
        try await Programs.shell("cp -a \"$1/rootcellar\" \"$2\"", stage.site.tree.string, path.string)
        return path
    }

    @Test("26: a manifest version below the one seen -> ROLLBACK")
    func older() async throws {
        try await Stage.run { stage in
            let old = try await keep(stage, as: "old")
            try await rootcellar("repo", "mirrors", stage: stage).succeeded()
            try await stage.download().result.succeeded()
            try await Programs.shell(
                "cp \"$2/pointer.signed\" \"$1/rootcellar/\"",
                stage.site.tree.string,
                old.string
            )
            let line = try await stage.refused(.rollback)
            #expect(line.contains("manifest 3 is offered, 4 was seen before"))
        }
    }

    @Test("27: the version that was seen, with another hash -> ROLLBACK, and both are kept")
    func equivocation() async throws {
        try await Stage.run { stage in
            let seen = try read(stage.site.pointer)
            var manifest = try stage.manifest()
            manifest.signedAt = manifest.signedAt.adding(seconds: 1)
            let other = manifest
            let bytes = try await Forger(stage.site).using { forger in
                try await forger.signedFile(.manifest, other, by: try await forger.fingerprint("(release)"))
            }
            try write(bytes, to: stage.site.tree.appending(TreePath.manifest(other.version)))
            try await stage.site.replacePointer { $0.manifest.file = FileReference(of: bytes) }
            let creation = try await stage.download()
            #expect(creation.result.status == 12)
            #expect(creation.result.errorLine?.contains("two different manifests have the version 3") == true)
            #expect(try creation.isUntouched)
            let servers = stage.host.cache.appending("servers")
            #expect(try read(servers.appending("\(Site.id).contradiction")) == read(stage.site.pointer))
            let state = try text(servers.appending("\(Site.id).json"))
            #expect(state.contains("\"version\":3"))
            try write(seen, to: stage.site.pointer)
            try await stage.download().result.succeeded()
        }
    }

    @Test("28: the version and hash that were seen -> success with one request")
    func unchanged() async throws {
        try await Stage.run { stage in
            try await stage.download().result.succeeded()
            stage.server.forgetRequests()
            let again = try await stage.download()
            try again.result.succeeded()
            #expect(stage.server.requests.map(\.path) == ["/" + TreePath.pointer])
        }
    }

    @Test("29: a pointer or manifest past its validity -> FREEZE; what is cached still serves, with its age")
    func expired() async throws {
        try await Stage.run { stage in
            try await stage.download().result.succeeded()
            try await stage.site.replacePointer {
                $0.signedAt = clock.adding(seconds: -8 * 86400)
                $0.validUntil = clock.adding(seconds: -86400)
            }
            try await stage.refused(.freeze, "example/two/amd64")
            let stale = try await stage.download()
            try stale.result.succeeded()
            #expect(stale.result.errors.contains("FREEZE") && stale.result.errors.contains("0 days old"))
            try await stage.site.replacePointer {
                $0.signedAt = clock
                $0.validUntil = clock.adding(seconds: 86400)
            }
            try await stage.publish { $0.validUntil = clock.adding(seconds: -60) }
            let line = try await stage.refused(.freeze, "example/two/amd64", mayLearn: true)
            #expect(line.contains("the manifest was valid until"))
        }
    }

    /// Shifts the clock of the program that follows.
    private func atClock(_ shift: String) -> String { "exec \(FakeTime.shell(shift)) \"$@\"" }

    @Test("30: a clock two years behind -> a notice, the floor is used, and what has expired stays expired")
    func clockBehind() async throws {
        try await Stage.run(.longLived) { stage in
            let behind = atClock("-730d")
            let creation = try await stage.download(script: behind)
            try creation.result.succeeded()
            let notice = "rootcellar: warning: this machine's clock is behind"
            #expect(creation.result.errors.contains(notice), "\(creation.result.errors)")
            try await stage.site.replacePointer {
                $0.signedAt = clock.adding(seconds: -8 * 86400)
                $0.validUntil = clock.adding(seconds: -3600)
            }
            let frozen = try await stage.download("example/two/amd64", script: behind)
            #expect(frozen.result.status == 13, "\(frozen.result.errors)")
            #expect(frozen.result.errorLine?.contains("this machine's clock is behind as well; set it") == true)
            #expect(try frozen.isUntouched)
        }
    }

    @Test(
        "31: a clock two years ahead -> FREEZE or, where TLS is asked first, TRANSPORT, each with a hint at the clock"
    )
    func clockAhead() async throws {
        for kind in [HostileServerCertificate.Kind.longLived, .valid] {
            try await Stage.run(kind) { stage in
                let creation = try await stage.download("example/two/amd64", script: atClock("+730d"))
                let errors = Comment(rawValue: creation.result.errors)
                #expect(creation.result.status == (kind == .valid ? 10 : 13), errors)
                let hint = kind == .valid ? "check the clock, too" : "by this machine's clock: is it right?"
                #expect(creation.result.errorLine?.contains(hint) == true, errors)
                #expect(try creation.isUntouched)
            }
        }
    }

    @Test("32: manifest version 2^63-1 -> refused; a jump of millions -> a word; rotated keys begin the count anew")
    func fastForward() async throws {
        try await Stage.run { stage in
            let kept = try await keep(stage, as: "kept")
            for version in [Int.max, 1 << 53] {
                try await stage.publish { $0.version = version }
                let line = try await stage.refused(.rollback)
                #expect(line.contains("no version that a publisher comes to"))
                try await restore(stage, kept)
            }
            try await stage.publish { $0.version = 2_000_000 }
            let jump = try await stage.download()
            try jump.result.succeeded()
            #expect(jump.result.errors.contains("has gone up by 1999997 versions"), "\(jump.result.errors)")
            // The publisher has got his tree back, but his clients have seen the thief's.
            try await restore(stage, kept)
            try await stage.refused(.rollback)
            try await rootcellar("key", "rotate", "--role", "release", stage: stage).succeeded()
            try await stage.download().result.succeeded()
            let shown = try await stage.host.run("trust", "show", "--json").succeeded().output
            #expect(shown.contains("\"manifest\" : 4") && shown.contains("\"root\" : 2"), "\(shown)")
        }
    }

    private func restore(_ stage: Stage, _ kept: FilePath) async throws {
        try await Programs.shell(
            "rm -r \"$1/rootcellar\"; cp -a \"$2\" \"$1/rootcellar\"",
            stage.site.tree.string,
            kept.string
        )
    }

    /// Signs the next root document with whatever keys, and a pointer that asks for it.
    private func forgeRoot(
        _ stage: Stage,
        as version: Int = 2,
        _ change: (inout RootDocument, Forger) async throws -> [String]
    ) async throws {
        let before = try stage.root()
        try await Forger(stage.site).using { forger in
            var root = before
            root.version += 1
            let signers = try await change(&root, forger)
            let payload = try root.canonicalBytes()
            var signatures: [UInt8] = []
            for signer in signers {
                signatures += try await forger.sign(SignedFile.signedBytes(kind: .root, payload: payload), by: signer)
            }
            let file = SignedFile(payload: payload, signatures: signatures).bytes
            try write(file, to: stage.site.tree.appending(TreePath.root(version)))
        }
        try await stage.site.replacePointer { $0.root = version }
    }

    @Test("33: a root document signed by its own new keys only -> SIGNATURE, and the old one stays")
    func unsignedRoot() async throws {
        try await Stage.run { stage in
            try await forgeRoot(stage) { root, forger in
                let key = try await forger.makeKey("Thief (root)")
                root.roles[.root] = RootDocument.Keys(threshold: 1, fingerprints: [try Fingerprint(key)])
                root.publicKeys = try await withoutRootKey(root, forger, stage.site.fingerprint)
                root.publicKeys.append(try await forger.gpg(["--armor", "--export", key]))
                return [key]
            }
            try await stage.refused(.signature)
            let shown = try await stage.host.run("trust", "show", "--json").succeeded().output
            #expect(shown.contains("\"root\" : 1"))
        }
    }

    private func withoutRootKey(_ root: RootDocument, _ forger: Forger, _ key: String) async throws -> [String] {
        var blocks: [String] = []
        for role in ["release", "freshness"] {
            let key = try await forger.fingerprint("(\(role))")
            blocks.append(try await forger.gpg(["--armor", "--export", key]))
        }
        return blocks
    }

    @Test("34: root documents 1 to 5, by the real publisher -> an old client follows step by step")
    func rootChain() async throws {
        try await Stage.run { stage in
            try await stage.download().result.succeeded()
            let steps = [
                ["--role", "root", "--count", "3", "--threshold", "2"], ["--role", "release"],
                ["--role", "freshness", "--count", "2", "--threshold", "2"], ["--role", "root"],
            ]
            let place = ["--repo", stage.site.tree.string, "--keys", stage.site.keys.string]
            for step in steps {
                try await runProgram(
                    Programs.directory.appending("rootcellar").string,
                    ["key", "rotate"] + step + place
                ).succeeded()
            }
            try await stage.site.check().succeeded()
            stage.server.forgetRequests()
            try await stage.download().result.succeeded()
            let roots = stage.server.requests.map(\.path).filter { $0.contains("/root/") }
            #expect(roots.prefix(4) == (2...5).map { "/" + TreePath.root($0) }.prefix(4))
            let shown = try await stage.host.run("trust", "show", "--json").succeeded().output
            #expect(shown.contains("\"root\" : 5"), "\(shown)")
            stage.server.forgetRequests()
            try await stage.download().result.succeeded()
            #expect(stage.server.requests.map(\.path) == ["/" + TreePath.pointer])
            // A client that has never been here goes the same way from the first key, or begins at the last one.
            for key in [stage.site.fingerprint, try await newestRootKey(stage)] {
                let other = try ClientHost("other-\(key.suffix(4))")
                try await other.trust(stage.server.url, key, authority: FilePath(stage.server.caFile)).succeeded()
                try await other.download(stage.server.authority).result.succeeded()
            }
        }
    }

    private func newestRootKey(_ stage: Stage) async throws -> String {
        try await Programs.rootcellar("key", "export", "--keys", stage.site.keys.string, "--role", "root").succeeded()
        return try stage.root().keys(of: .root).fingerprints[0].hex
    }

    @Test("35: root document N+2 in the place of N+1 -> ROLLBACK")
    func skippedRoot() async throws {
        try await Stage.run { stage in
            try await forgeRoot(stage) { root, _ in
                root.version = 3
                return [stage.site.fingerprint]
            }
            let line = try await stage.refused(.rollback)
            #expect(line.contains("root document 3 in the place of 2"))
        }
    }

    @Test("36: a freshness key that the root keys took away, still signing -> SIGNATURE; what it counted is forgotten")
    func removedKey() async throws {
        try await Stage.run { stage in
            // Its thief has pushed the time that clients remember as far as it goes.
            try await stage.site.replacePointer {
                $0.signedAt = clock.adding(seconds: 590)
                $0.validUntil = clock.adding(seconds: 86400)
            }
            try await stage.download().result.succeeded()
            let old = try await Forger(stage.site).using { try await $0.fingerprint("(freshness)") }
            try await rootcellar("key", "revoke", "--role", "freshness", "--fingerprint", old, stage: stage).succeeded()
            let good = try read(stage.site.pointer)
            var pointer = try stage.site.readPointer()
            pointer.signedAt = clock
            let stolen = pointer
            let bytes = try await Forger(stage.site).using { try await $0.signedFile(.pointer, stolen, by: old) }
            try write(bytes, to: stage.site.pointer)
            try await stage.refused(.signature, "example/two/amd64")
            try write(good, to: stage.site.pointer)
            try await stage.download().result.succeeded()
            let shown = try await stage.host.run("trust", "show", "--json").succeeded().output
            #expect(shown.contains("\"root\" : 2") && !shown.contains(old), "\(shown)")
            #expect(shown.contains("\"signedAt\" : \"\(try stage.site.readPointer().signedAt)\""), "\(shown)")
            // The same bytes are refused by a client that knows the new root document.
            try write(bytes, to: stage.site.pointer)
            try await stage.refused(.signature)
        }
    }

    @Test("104b: a state file that is damaged, cut or of a later version -> CACHE, and the command that begins anew")
    func damagedState() async throws {
        try await Stage.run { stage in
            let path = stage.host.cache.appending("servers/\(Site.id).json")
            let good = try read(path)
            let later = Array(try text(path).replacing("\"format\":1", with: "\"format\":9").utf8)
            for bad in [[], Array(good.prefix(good.count / 2)), Array("junk".utf8), later] {
                try write(bad, to: path)
                let creation = try await stage.download()
                let status = bad == later ? [19, 20] : [19]
                #expect(status.contains(creation.result.status), "\(creation.result.errors)")
                #expect(creation.result.errorLine?.contains("rootcellar trust reset") == true)
                #expect(try creation.isUntouched)
                #expect(try read(path) == bad)
            }
            try await stage.host.run("trust", "reset", stage.server.url).succeeded()
            try await stage.download().result.succeeded()
        }
    }

    @Test("105b: a build that repo revoke took back -> POLICY, also from the cache and with --force-cache")
    func takenBack() async throws {
        try await Stage.run { stage in
            try await stage.download().result.succeeded()
            let serial = try stage.index().images[0].builds[0].serial
            try await rootcellar(
                "repo",
                "revoke",
                "example/one/amd64",
                serial.description,
                "--reason",
                "a bad library",
                stage: stage
            ).succeeded()
            try await stage.site.check().succeeded()
            let creation = try await stage.download()
            #expect(creation.result.status == 20, "\(creation.result.errors)")
            let forced = try await stage.download("example/one/amd64", "--force-cache")
            #expect(forced.result.status == 20, "\(forced.result.errors)")
            #expect(forced.result.errorLine?.contains("a bad library") == true, "\(forced.result.errors)")
            #expect(try forced.isUntouched)
        }
    }

    @Test("A key that the machine's configuration denies is believed nowhere")
    func deniedKey() async throws {
        try await Stage.run { stage in
            try await stage.download().result.succeeded()
            let key = try stage.root().keys(of: .release).fingerprints[0]
            try write(
                "deny-key = \(key)\n".utf8,
                to: stage.host.configuration.appending("rootcellar.conf")
            )
            let line = try await stage.refused(.signature)
            #expect(line.contains(key.hex))
        }
    }
}
