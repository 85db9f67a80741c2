// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import OpenPGP

@Suite("A block of public keys", .scratchDirectory)
struct PublicKeyBlockTests {
    @Test("has the fingerprints that gpg prints, for each kind of key", arguments: ["ed25519", "rsa3072", "nistp256"])
    func fingerprints(_ algorithm: String) async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("One", algorithm: algorithm, usage: "sign,cert")
        try await gpg.run("--quick-add-key", key.hex, "cv25519", "encr", "never")
        try await gpg.run("--quick-add-key", key.hex, "ed25519", "sign", "never")
        let block = try await gpg.publicKey(key)
        #expect(try PublicKeyBlock.primaryFingerprints(block, subject: "k") == [key])
        let listed = try await gpg.run("--with-colons", "--list-keys").split(separator: "\n")
            .filter { $0.hasPrefix("fpr:") }.map { String($0.split(separator: ":")[1]) }
        #expect(Set(try KeyRing(blocks: [block], subject: "k").keys.keys.map(\.hex)) == Set(listed))
        try await gpg.stop()
    }

    @Test("of a version 6 key has the fingerprint of RFC 9580, A.3")
    func version6() throws {
        let text = """
            -----BEGIN PGP PUBLIC KEY BLOCK-----

            xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laPCsQYf
            GwoAAABCBYJjh3/jAwsJBwUVCg4IDAIWAAKbAwIeCSIhBssYE8GCaaX5NUt+mxyK
            wcT6flhzZXZlIE5vdGUAAAAA
            -----END PGP PUBLIC KEY BLOCK-----
            """
        // Only the key packet counts here; what follows it in this shortened block is cut.
        let bytes = try Armor.blocks(Array(text.utf8), label: .publicKey, subject: "k")[0]
        let key = Array(bytes.prefix(44))
        let found = try PublicKeyBlock.primaryFingerprints(key, subject: "k")
        #expect(found.map(\.hex) == ["CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"])
    }

    @Test("is refused when it holds a secret key, anything else, the same key twice, or nothing")
    func refused() async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("One")
        let other = try await gpg.makeKey("Two")
        let block = try await gpg.publicKey(key)
        let secret = Array(try await gpg.run("--armor", "--export-secret-keys", key.hex).utf8)
        func refused(_ blocks: [[UInt8]]) -> Bool {
            failure { _ = try KeyRing(blocks: blocks, subject: "k") }?.errorClass == .signature
        }
        let raw = try Armor.blocks(block, label: .publicKey, subject: "k")[0]
        #expect(!refused([block, block, raw]))
        #expect(refused([secret]))
        #expect(refused([armored(raw + raw, as: "PGP PUBLIC KEY BLOCK")]))
        #expect(refused([[]]))
        #expect(refused([Array("x".utf8)]))
        #expect(refused([armored(Array(raw.dropFirst(53)), as: "PGP PUBLIC KEY BLOCK")]))
        #expect(refused([[UInt8](repeating: 0x99, count: 1 << 20)]))
        // A key file with somebody else's key as a subkey of its own could lend out that key's signatures.
        let stolen = try Armor.blocks(try await gpg.publicKey(other), label: .publicKey, subject: "k")[0]
        var asSubkey = stolen
        asSubkey[0] = 0xB8
        #expect(refused([armored(raw + asSubkey, as: "PGP PUBLIC KEY BLOCK"), stolen]))
        try await gpg.stop()
    }

    @Test("never crashes the reader when mutated", arguments: [4711, 9])
    func fuzz(_ seed: UInt64) async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("One")
        let text = try await gpg.publicKey(key)
        try await gpg.stop()
        let raw = try Armor.blocks(text, label: .publicKey, subject: "k")[0]
        var random = SeededGenerator(seed: seed)
        var passed = 0
        for _ in 0..<10_000 {
            var bytes = Bool.random(using: &random) ? text : raw
            for _ in 0...Int.random(in: 0..<4, using: &random) { mutate(&bytes, &random) }
            guard let ring = try? KeyRing(blocks: [bytes], subject: "k") else { continue }
            passed += 1
            #expect(!ring.primaries.isEmpty, "seed \(seed)")
            #expect(Set(ring.primaries).isSubset(of: ring.keys.keys), "seed \(seed)")
        }
        #expect(passed > 0, "seed \(seed)")
    }
}
