// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// What becomes of gpg itself: floods, bombs, a gpg that is not there, and the places it works in.
extension SignatureTests {
    /// Runs a download where gpg is a program that leaves a mark.
    private func withMarkingEngine(_ stage: Stage) throws -> (script: String, mark: FilePath) {
        let directory = ScratchDirectory.path.appending("engine")
        try makeDirectory(directory)
        let mark = directory.appending("was-run")
        return (
            "printf '#!/bin/sh\\ntouch \(mark)\\nexec /usr/bin/gpg \"$@\"\\n' >\(directory)/gpg; chmod 755 \(directory)/gpg;"
                + " PATH=\(directory):$PATH exec \"$@\"", mark
        )
    }

    @Test("20: 2000 signatures, or a megabyte of them -> SIGNATURE")
    func flood() async throws {
        try await Stage.run { stage in
            let signature = try SignedFile(reading: read(stage.site.pointer), kind: .pointer, subject: "p").signatures
            let flood = Array(repeatElement(signature, count: 2000).joined())
            let manifest = try stage.manifest()
            for signatures in [flood, [UInt8](repeating: 0x41, count: 1 << 20)] {
                let payload = try manifest.canonicalBytes()
                let all = SignedFile(payload: payload, signatures: signatures).bytes
                let bytes = Array(all.prefix((1 << 20) - 16))
                try write(bytes, to: stage.site.tree.appending(TreePath.manifest(4)))
                try await stage.site.replacePointer {
                    $0.manifest = Pointer.Manifest(version: 4, file: FileReference(of: bytes))
                }
                let line = try await stage.refused(.signature)
                #expect(line.contains("too many signature bytes"))
            }
            // A pointer has no room for that many: its limit comes first.
            let payload = try stage.site.readPointer().canonicalBytes()
            try write(SignedFile(payload: payload, signatures: flood).bytes, to: stage.site.pointer)
            try await stage.refused(.size)
            let nine = Array(repeatElement(signature, count: 9).joined())
            try write(SignedFile(payload: payload, signatures: nine).bytes, to: stage.site.pointer)
            let (script, mark) = try withMarkingEngine(stage)
            let creation = try await stage.download(script: script)
            #expect(creation.result.status == 11, "\(creation.result.errors)")
            #expect(!exists(mark))
        }
    }

    @Test("21: a compressed bomb as signature -> SIGNATURE before gpg is started")
    func bomb() async throws {
        try await Stage.run { stage in
            let bomb = try await Programs.shell(
                "head -c 60M /dev/zero | gpg --homedir \"$1\" --batch -z 9 --store | gpg --homedir \"$1\" --batch -z 9 --store"
                    + " | gpg --homedir \"$1\" --enarmor 2>/dev/null"
                    + " | sed 's/ARMORED FILE/SIGNATURE/; /^Comment/d'",
                stage.site.keys.appending("gnupg").string
            )
            #expect(bomb.utf8.count < 15000)
            let payload = try stage.site.readPointer().canonicalBytes()
            try write(SignedFile(payload: payload, signatures: Array(bomb.utf8)).bytes, to: stage.site.pointer)
            let (script, mark) = try withMarkingEngine(stage)
            let creation = try await stage.download(script: script)
            #expect(creation.result.status == 11, "\(creation.result.errors)")
            #expect(try creation.isUntouched)
            #expect(!exists(mark))
        }
    }

    @Test(
        "22: gpg missing, hanging or killed -> SIGNATURE in time",
        arguments: ["", "/bin/sleep 1000", "kill -9 $$", "exit 0"]
    )
    func engine(_ body: String) async throws {
        try await Stage.run { stage in
            stage.host.emptyCache()
            let directory = ScratchDirectory.path.appending("engine")
            try makeDirectory(directory)
            let fake = directory.appending("gpg")
            if !body.isEmpty { try write("#!/bin/sh\n\(body)\n".utf8, to: fake) }
            let start = ContinuousClock.now
            let line = try await stage.refused(
                .signature,
                script: "test ! -e \(fake) || chmod 755 \(fake); PATH=\(directory) exec \"$@\""
            )
            // Ten seconds are what a hanging engine gets; a machine full of other tests takes its own time for the rest.
            #expect(ContinuousClock.now - start < .seconds(400))
            #expect(line.contains("gpg"))
        }
    }

    @Test("24: a long temporary path, a home that is read only, no runtime directory -> verified all the same")
    func oddPlaces() async throws {
        try await Stage.run { stage in
            stage.host.emptyCache()
            let long = ScratchDirectory.path.appending(String(repeating: "long-directory-", count: 9))
            try makeDirectory(long)
            let script =
                "mount --bind \"$HOME\" \"$HOME\"; mount -o remount,bind,ro \"$HOME\";"
                + " TMPDIR=\(long) GNUPGHOME=/nonexistent XDG_RUNTIME_DIR=/nonexistent exec \"$@\""
            let creation = try await stage.download(script: "exec unshare -m sh -euc '\(script)' sh \"$@\"")
            try creation.result.succeeded()
        }
    }

    @Test("25: twenty first contacts at once -> all right, and no process or directory is left")
    func twenty() async throws {
        let site = try await SharedSite.shared.copy()
        try await HostileServer.with { server in
            server.serve(directory: site.tree)
            let results = try await withThrowingTaskGroup(of: ProgramResult.self) { group in
                for number in 1...20 {
                    let host = try ClientHost("host-\(number)")
                    group.addTask {
                        try await host.trust(server.url, site.fingerprint, authority: FilePath(server.caFile))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.allSatisfy { $0.status == 0 }, "\(results.map(\.errors))")
        }
    }
}
