// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import OpenPGP

@Suite("A home of secret keys", .scratchDirectory)
struct KeyHomeTests {
    private let message = Array("what is published\n".utf8)

    @Test("makes a key, exports it, signs with it, and what it signed verifies; gpg itself can use it too")
    func roundTrip() async throws {
        let directory = ScratchDirectory.path.appending("keys")
        let home = try KeyHome(directory: directory)
        let key = try home.makeKey(userID: "Example images (root)")
        let block = try home.exportPublic(key)
        #expect(try PublicKeyBlock.primaryFingerprints(block, subject: "k") == [key])
        let verifier = try Verifier(publicKeys: [block], expecting: [key])
        let accepted = try verifier.verify(
            message,
            signatures: try home.sign(message, by: key),
            by: [key],
            threshold: 1,
            now: clock,
            subject: "m"
        )
        #expect(accepted.map(\.primary) == [key])

        let path = ScratchDirectory.path.appending("file")
        try write(message, to: path)
        let file = try FileDescriptor.open(path, .readOnly)
        let signature = try home.sign(file: file, by: key)
        #expect(
            try verifier.verify(
                file: file,
                signatures: signature,
                by: [key],
                threshold: 1,
                now: clock,
                subject: "f"
            ).count == 1
        )
        try file.close()
        home.close()

        let again = try KeyHome(directory: directory)
        #expect(try again.exportPublic(key) == block)
        _ = try again.sign(message, by: key)
        again.close()
        let listed = try await runProgram("gpg", ["--homedir", directory.string, "--batch", "--list-secret-keys"])
        #expect(listed.output.contains(key.hex))
        _ = try await runProgram("gpgconf", ["--homedir", directory.string, "--kill", "all"])
    }

    @Test("works at a path of any length, and leaves only keys in it and no agent behind")
    func longPath() throws {
        let directory = ScratchDirectory.path.appending(String(repeating: "k", count: 150))
        let home = try KeyHome(directory: directory)
        let key = try home.makeKey(userID: "Long")
        _ = try home.sign(message, by: key)
        let short = home.homePath
        #expect(!EngineProcesses.ids(naming: short).isEmpty)
        home.close()
        #expect(EngineProcesses.ids(naming: short).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: short.string))
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.string).sorted()
        #expect(left == ["openpgp-revocs.d", "private-keys-v1.d", "pubring.kbx"])
        let secrets = try FileManager.default.contentsOfDirectory(
            atPath: directory.appending("private-keys-v1.d").string
        )
        #expect(secrets.count == 1)
    }

    @Test("can be used by several at once, and one that ends does not disturb another")
    func several() throws {
        let directory = ScratchDirectory.path.appending("keys")
        let first = try KeyHome(directory: directory)
        let key = try first.makeKey(userID: "Shared")
        let results = Results()
        let message = message
        onThreads(4) { number in
            do {
                for _ in 0..<5 {
                    let home = try KeyHome(directory: directory)
                    _ = try home.sign(message, by: key)
                    home.close()
                }
                results.set(number, "signed")
            } catch {
                results.set(number, String(describing: error))
            }
        }
        for number in 0..<4 { #expect(results.get(number) == "signed") }
        _ = try first.sign(message, by: key)
        first.close()
    }

    @Test("is refused when others may enter it, and has no key that it was not given")
    func refusals() throws {
        let open = ScratchDirectory.path.appending("open")
        try FileManager.default.createDirectory(
            atPath: open.string,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o750]
        )
        #expect(failure { _ = try KeyHome(directory: open) }?.errorClass == .policy)
        let home = try KeyHome(directory: ScratchDirectory.path.appending("keys"))
        let nobody = try Fingerprint(String(repeating: "AB", count: 20))
        #expect(failure { _ = try home.sign(message, by: nobody) }?.errorClass == .signature)
        #expect(failure { _ = try home.exportPublic(nobody) }?.errorClass == .signature)
        home.close()
    }
}
