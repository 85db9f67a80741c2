// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import OpenPGP

/// One test for each way to cheat that a verifier has met, with signatures made by the real gpg.
@Suite("A verifier", .scratchDirectory)
struct VerifierTests {
    let message = Array("the list of all images \n".utf8)

    func verify(
        _ signatures: [UInt8],
        keys: [[UInt8]],
        by allowed: [Fingerprint],
        threshold: Int = 1,
        message: [UInt8]? = nil,
        now: Timestamp? = nil
    ) throws -> [AcceptedSignature] {
        let expecting = Set(try keys.flatMap { try PublicKeyBlock.primaryFingerprints($0, subject: "key") })
        let verifier = try Verifier(
            publicKeys: keys,
            expecting: expecting,
            program: nil,
            directory: ScratchDirectory.path
        )
        return try verifier.verify(
            message ?? self.message,
            signatures: signatures,
            by: Set(allowed),
            threshold: threshold,
            now: now ?? clock,
            subject: "list"
        )
    }

    func withKey(_ body: (GnuPG, Fingerprint, [UInt8]) async throws -> Void) async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("Publisher <images@example.org>")
        try await body(gpg, key, try await gpg.publicKey(key))
        try await gpg.stop()
    }

    @Test("accepts a good signature and names its primary key and time")
    func good() async throws {
        try await withKey { gpg, key, block in
            let accepted = try verify(try await gpg.sign(message, by: key.hex), keys: [block], by: [key])
            #expect(accepted.map(\.primary) == [key])
            #expect(abs((accepted.first?.made.seconds ?? 0) - clock.seconds) < 60)
        }
    }

    @Test("accepts signatures over a big file without reading it into memory, and refuses it one byte changed")
    func bigFile() async throws {
        try await withKey { gpg, key, block in
            var content = [UInt8](repeating: 7, count: 3_000_001)
            let signature = try await gpg.sign(content, by: key.hex)
            let path = ScratchDirectory.path.appending("big")
            let verifier = try Verifier(publicKeys: [block], expecting: [key])
            try write(content, to: path)
            let file = try FileDescriptor.open(path, .readOnly)
            #expect(
                try verifier.verify(
                    file: file,
                    signatures: signature,
                    by: [key],
                    threshold: 1,
                    now: clock,
                    subject: "big"
                ).count == 1
            )
            content[2_999_999] ^= 1
            try write(content, to: path)
            let changed = try FileDescriptor.open(path, .readOnly)
            let fault = failure {
                _ = try verifier.verify(
                    file: changed,
                    signatures: signature,
                    by: [key],
                    threshold: 1,
                    now: clock,
                    subject: "big"
                )
            }
            #expect(fault?.errorClass == .signature)
            try file.close()
            try changed.close()
        }
    }

    @Test("refuses a missing, empty or junk signature")
    func junk() async throws {
        try await withKey { _, key, block in
            for junk in [[], Array("\n".utf8), Array("<html>".utf8), [0x00], [0xFF, 0xFF], Array(message)] {
                #expect(failure { _ = try verify(junk, keys: [block], by: [key]) }?.errorClass == .signature)
            }
        }
    }

    @Test("refuses a key that is not pinned, whatever user id it bears")
    func unpinned() async throws {
        try await withKey { gpg, key, block in
            let other = try GnuPG("o")
            let imitator = try await other.makeKey("Publisher <images@example.org>")
            let signature = try await other.sign(message, by: imitator.hex)
            #expect(failure { _ = try verify(signature, keys: [block], by: [key]) }?.errorClass == .signature)
            // In the ring for another role, but not allowed to sign this.
            let both = [block, try await other.publicKey(imitator)]
            #expect(failure { _ = try verify(signature, keys: both, by: [key]) }?.errorClass == .signature)
            #expect(try verify(signature, keys: both, by: [imitator]).map(\.primary) == [imitator])
            try await other.stop()
        }
    }

    @Test("refuses an old signed message wrapped inline beside changed data")
    func inlineWrapped() async throws {
        try await withKey { gpg, key, block in
            let old = Array("old list\n".utf8)
            let signature = try await gpg.sign(old, by: key.hex)
            let packet = try SignaturePackets.check(signature, subject: "").bytes
            let literal = [0xCB, UInt8(6 + old.count), 0x62, 0, 0, 0, 0, 0] + old
            for wrapped in [packet + literal, armored(packet + literal), armored(packet + literal, as: "PGP MESSAGE")] {
                #expect(failure { _ = try verify(wrapped, keys: [block], by: [key]) }?.errorClass == .signature)
            }
            let inline = Array(try await gpg.run("--armor", "--sign", input: "old list\n").utf8)
            #expect(failure { _ = try verify(inline, keys: [block], by: [key]) }?.errorClass == .signature)
        }
    }

    @Test("counts what the engine saw: success without a signature is refused")
    func zeroSignatures() async throws {
        let judge = SignatureJudge(
            keys: try KeyRing(blocks: [], subject: ""),
            allowed: [],
            now: clock,
            subject: "list"
        )
        #expect(failure { _ = try judge.accept([], threshold: 1) }?.errorClass == .signature)
        #expect(failure { _ = try judge.accept([], threshold: 0) }?.errorClass == .signature)
    }

    @Test("refuses clearsigned text, with lines around it, and two blocks of it")
    func clearsigned() async throws {
        try await withKey { gpg, key, block in
            let text = String(decoding: message, as: UTF8.self)
            let clear = try await gpg.run("--clearsign", input: text)
            for form in [clear, "before\n" + clear + "after\n", clear + clear] {
                #expect(
                    failure { _ = try verify(Array(form.utf8), keys: [block], by: [key]) }?.errorClass == .signature
                )
            }
            // The signature block cut out of it is of class 0x01.
            guard let start = clear.firstRange(of: "-----BEGIN PGP SIGNATURE") else { throw ToolFailure(text: clear) }
            let cut = Array(clear[start.lowerBound...].utf8)
            #expect(failure { _ = try verify(cut, keys: [block], by: [key]) }?.reason.contains("class 1") == true)
        }
    }

    @Test("refuses data changed only in line ends or trailing blanks")
    func lineEnds() async throws {
        try await withKey { gpg, key, block in
            let signature = try await gpg.sign(message, by: key.hex)
            for changed in ["the list of all images\n", "the list of all images \r\n", "the list of all images "] {
                let fault = failure {
                    _ = try verify(signature, keys: [block], by: [key], message: Array(changed.utf8))
                }
                #expect(fault?.errorClass == .signature)
            }
        }
    }

    @Test("refuses a text-class signature")
    func textClass() async throws {
        try await withKey { gpg, key, block in
            let signature = try await gpg.sign(message, by: key.hex, "--textmode")
            let fault = failure { _ = try verify(signature, keys: [block], by: [key]) }
            #expect(fault?.errorClass == .signature)
            #expect(fault?.reason.contains("class 1") == true)
        }
    }

    @Test("refuses SHA-1 and MD5")
    func weakHash() async throws {
        try await withKey { gpg, key, block in
            let signature = try await gpg.sign(message, by: key.hex, "--digest-algo", "SHA1")
            let fault = failure { _ = try verify(signature, keys: [block], by: [key]) }
            #expect(fault?.errorClass == .signature)
            #expect(fault?.reason.contains("hash algorithm 2") == true)
            let body = try #require(
                try Packet.all(
                    in: Armor.blocks(
                        signature,
                        label: .signature,
                        subject: ""
                    )[0][...],
                    limit: 1,
                    subject: ""
                ).first?.body
            )
            var md5 = Array(body)
            md5[3] = 1
            let packet = [0xC2, UInt8(md5.count)] + md5
            #expect(failure { _ = try verify(packet, keys: [block], by: [key]) }?.errorClass == .signature)
        }
    }

    @Test("refuses a revoked key")
    func revoked() async throws {
        try await withKey { gpg, key, _ in
            let signature = try await gpg.sign(message, by: key.hex)
            let certificate = gpg.home.appending("openpgp-revocs.d").appending("\(key.hex).rev")
            let text = String(decoding: try read(certificate), as: UTF8.self)
            try await gpg.run("--import", input: text.replacing(":-----BEGIN", with: "-----BEGIN"))
            let block = try await gpg.publicKey(key)
            let fault = failure { _ = try verify(signature, keys: [block], by: [key]) }
            #expect(fault?.errorClass == .signature)
            #expect(fault?.reason.contains("revoked") == true)
        }
    }

    @Test("refuses an expired key, with a hint how to go on")
    func expiredKey() async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("Old", expires: "1y", time: "20200101T000000")
        let signature = try await gpg.sign(message, by: key.hex, "--faked-system-time", "20200201T000000")
        let block = try await gpg.publicKey(key)
        let fault = failure { _ = try verify(signature, keys: [block], by: [key]) }
        #expect(fault?.errorClass == .signature)
        #expect(fault?.hint?.contains("renewed") == true)
        try await gpg.stop()
    }

    @Test("judges a key's expiry by the given time where the local clock is behind it")
    func clockFloor() async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("Short", expires: "30d")
        let signature = try await gpg.sign(message, by: key.hex)
        let block = try await gpg.publicKey(key)
        #expect(try verify(signature, keys: [block], by: [key]).count == 1)
        let later = clock.adding(seconds: 40 * 86400)
        let fault = failure { _ = try verify(signature, keys: [block], by: [key], now: later) }
        #expect(fault?.reason.contains("expired") == true)
        try await gpg.stop()
    }

    @Test("refuses an expired signature")
    func expiredSignature() async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("Old", time: "20200101T000000")
        let signature = try await gpg.sign(
            message,
            by: key.hex,
            "--faked-system-time",
            "20200201T000000",
            "--default-sig-expire",
            "1d"
        )
        let block = try await gpg.publicKey(key)
        let fault = failure { _ = try verify(signature, keys: [block], by: [key]) }
        #expect(fault?.errorClass == .signature)
        #expect(fault?.reason.contains("expired") == true)
        try await gpg.stop()
    }

    @Test("names the clock for a signature dated in the future, and allows for ten minutes")
    func future() async throws {
        try await withKey { gpg, key, block in
            let far = clock.adding(seconds: 4 * 365 * 86400)
            let signature = try await gpg.sign(message, by: key.hex, "--faked-system-time", "\(far.seconds)")
            let fault = failure { _ = try verify(signature, keys: [block], by: [key]) }
            #expect(fault?.errorClass == .clock)
            let near = clock.adding(seconds: 300)
            let soon = try await gpg.sign(message, by: key.hex, "--faked-system-time", "\(near.seconds)")
            #expect(try verify(soon, keys: [block], by: [key]).count == 1)
        }
    }

    @Test("counts one key that signed twice as one")
    func sameKeyTwice() async throws {
        try await withKey { gpg, key, block in
            let twice = try await gpg.sign(message, by: key.hex) + gpg.sign(message, by: key.hex)
            #expect(failure { _ = try verify(twice, keys: [block], by: [key], threshold: 2) }?.errorClass == .signature)
            #expect(try verify(twice, keys: [block], by: [key]).count == 1)
        }
    }

    @Test("counts two subkeys of one primary key as one")
    func twoSubkeys() async throws {
        try await withKey { gpg, key, _ in
            try await gpg.run("--quick-add-key", key.hex, "ed25519", "sign", "never")
            try await gpg.run("--quick-add-key", key.hex, "ed25519", "sign", "never")
            let block = try await gpg.publicKey(key)
            let subkeys = try KeyRing(blocks: [block], subject: "").keys.keys.filter { $0 != key }
            #expect(subkeys.count == 2)
            var signatures: [UInt8] = []
            for subkey in subkeys { signatures += try await gpg.sign(message, by: subkey.hex + "!") }
            let fault = failure { _ = try verify(signatures, keys: [block], by: [key], threshold: 2) }
            #expect(fault?.errorClass == .signature)
            #expect(try verify(signatures, keys: [block], by: [key]).map(\.primary) == [key])
        }
    }

    @Test("accepts two different keys at threshold two")
    func threshold() async throws {
        try await withKey { gpg, key, block in
            let second = try await gpg.makeKey("Second")
            let both = try await gpg.sign(message, by: key.hex) + gpg.sign(message, by: second.hex)
            let keys = [block, try await gpg.publicKey(second)]
            #expect(try verify(both, keys: keys, by: [key, second], threshold: 2).count == 2)
        }
    }

    @Test("refuses one good signature with a bad one beside it")
    func goodAndBad() async throws {
        try await withKey { gpg, key, block in
            let second = try await gpg.makeKey("Second")
            let mixed = try await gpg.sign(message, by: key.hex) + gpg.sign(message + [0], by: second.hex)
            let keys = [block, try await gpg.publicKey(second)]
            #expect(failure { _ = try verify(mixed, keys: keys, by: [key, second]) }?.errorClass == .signature)
        }
    }

    @Test("accepts one good signature with one by an unknown key beside it")
    func goodAndUnknown() async throws {
        try await withKey { gpg, key, block in
            let second = try await gpg.makeKey("Second")
            let mixed = try await gpg.sign(message, by: second.hex) + gpg.sign(message, by: key.hex)
            #expect(try verify(mixed, keys: [block], by: [key]).map(\.primary) == [key])
            #expect(failure { _ = try verify(mixed, keys: [block], by: [key], threshold: 2) }?.errorClass == .signature)
        }
    }

    @Test("refuses RSA below 3072 bits")
    func shortRSA() async throws {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("Short", algorithm: "rsa2048", usage: "sign")
        let signature = try await gpg.sign(message, by: key.hex)
        let block = try await gpg.publicKey(key)
        #expect(failure { _ = try verify(signature, keys: [block], by: [key]) }?.reason.contains("weak") == true)
        try await gpg.stop()
    }

    @Test("refuses a key file with one key more than pinned, or one less")
    func otherKeys() async throws {
        try await withKey { gpg, key, block in
            let second = try await gpg.makeKey("Second")
            let both = Array(try await gpg.run("--armor", "--export").utf8)
            let more = failure { _ = try Verifier(publicKeys: [both], expecting: [key]) }
            #expect(more?.errorClass == .signature)
            #expect(more?.subject == second.hex)
            let less = failure { _ = try Verifier(publicKeys: [block], expecting: [key, second]) }
            #expect(less?.subject == second.hex)
        }
    }
}
