// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import OpenPGP

@Suite("The look at signatures before any engine runs", .scratchDirectory)
struct SignaturePacketsTests {
    private func signature() async throws -> [UInt8] {
        let gpg = try GnuPG("g\(UInt16.random(in: 0 ... .max))")
        let key = try await gpg.makeKey("Publisher")
        let signature = try await gpg.sign([1, 2, 3], by: key.hex)
        try await gpg.stop()
        return signature
    }

    private func refused(_ bytes: [UInt8]) -> Bool {
        failure { _ = try SignaturePackets.check(bytes, subject: "s") }?.errorClass == .signature
    }

    @Test("lets one to eight pass, armored or raw")
    func passes() async throws {
        let one = try await signature()
        let raw = try SignaturePackets.check(one, subject: "s")
        #expect(raw.count == 1)
        #expect(try SignaturePackets.check(raw.bytes, subject: "s") == raw)
        let eight = Array(repeatElement(one, count: 8).joined())
        #expect(try SignaturePackets.check(eight, subject: "s").count == 8)
        #expect(refused(eight + one))
        #expect(try SignaturePackets.check(armored(raw.bytes + raw.bytes), subject: "s").count == 2)
        let windows = Array(String(decoding: one, as: UTF8.self).replacing("\n", with: "\r\n").utf8)
        #expect(try SignaturePackets.check(windows, subject: "s") == raw)
    }

    @Test("stops 2000 signatures and a megabyte at once")
    func flood() async throws {
        let packet = try SignaturePackets.check(try await signature(), subject: "s").bytes
        let flood = Array(repeatElement(packet, count: 2000).joined())
        let took = ContinuousClock().measure {
            #expect(refused(flood))
            #expect(refused(armored(flood)))
            #expect(refused([UInt8](repeating: 0xC2, count: 1 << 20)))
        }
        #expect(took < .milliseconds(500))
    }

    @Test("stops a compressed packet within 50 ms, however much it unfolds to")
    func bomb() async throws {
        let gpg = try GnuPG()
        let file = gpg.home.appending("zeros")
        try write([UInt8](repeating: 0, count: 8 << 20), to: file)
        try await gpg.run("--compress-algo", "zip", "--store", "--output", file.string + ".gpg", file.string)
        let bomb = try read(FilePath(file.string + ".gpg"))
        #expect(bomb.count < SignaturePackets.sizeLimit)
        // The best of five: a busy machine may take the processor away once.
        let took = (0..<5).map { _ in ContinuousClock().measure { #expect(refused(bomb)) } }.min()
        #expect(try #require(took) < .milliseconds(50))
        #expect(refused(armored(bomb)))
    }

    @Test("refuses other armor, text around it, other headers, a wrong checksum, bad padding")
    func armor() async throws {
        let text = String(decoding: try await signature(), as: UTF8.self)
        let raw = try SignaturePackets.check(Array(text.utf8), subject: "s").bytes
        #expect(refused(armored(raw, as: "PGP MESSAGE")))
        #expect(refused(armored(raw, as: "PGP SIGNATURE ")))
        #expect(refused(Array(("x\n" + text).utf8)))
        #expect(refused(Array((text + "x").utf8)))
        #expect(refused(Array(text.replacing("-----\n\n", with: "-----\nHash: SHA512\n\n").utf8)))
        #expect(!refused(Array(text.replacing("-----\n\n", with: "-----\nComment: me\n\n").utf8)))
        #expect(refused(Array(text.replacing("-----\n\n", with: "-----\n\u{0C}\n").utf8)))
        #expect(refused(Array(text.replacing("-----END", with: "=AAAA\n-----END").utf8)))
        #expect(refused(Array(text.dropLast(10).utf8)))
        #expect(refused(Array("-----BEGIN PGP SIGNATURE-----\n\nAAA\n-----END PGP SIGNATURE-----\n".utf8)))
        #expect(refused(Array("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n".utf8)))
    }

    @Test("refuses notations, other versions and algorithms, partial lengths and trailing bytes")
    func packets() async throws {
        let raw = try SignaturePackets.check(try await signature(), subject: "s").bytes
        let body = Array(try #require(try Packet.all(in: raw[...], limit: 1, subject: "").first).body)
        func packet(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var body = body
            change(&body)
            return [0xC2, 0xFF, 0, 0, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
        }
        #expect(!refused(packet { _ in }))
        for version: UInt8 in [2, 3, 5, 6] { #expect(refused(packet { $0[0] = version })) }
        for type: UInt8 in [1, 2, 0x10, 0x18, 0x50] { #expect(refused(packet { $0[1] = type })) }
        for algorithm: UInt8 in [2, 3, 16, 17, 20, 99] { #expect(refused(packet { $0[2] = algorithm })) }
        for hash: UInt8 in [0, 1, 2, 3, 11, 99] { #expect(refused(packet { $0[3] = hash })) }
        #expect(refused(packet { $0.append(0) }))
        #expect(refused(packet { $0.removeLast() }))
        // A notation, added to the area that is not signed.
        let hashed = Int(body[4]) << 8 | Int(body[5])
        let notation: [UInt8] = [9, 20, 0x80, 0, 0, 0, 0, 0, 0, 0]
        #expect(
            refused(
                packet {
                    let at = 6 + hashed
                    $0[at + 1] += UInt8(notation.count)
                    $0.insert(contentsOf: notation, at: at + 2)
                }
            )
        )
        #expect(refused([0xC2, 0xE1] + body))
        #expect(refused([0x8B] + body))
    }

    @Test("never crashes on mutated bytes, and passes on nothing but signature packets", arguments: [20261, 77])
    func fuzz(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let text = try await signature()
        let raw = try SignaturePackets.check(text, subject: "s").bytes
        var passed = 0
        for _ in 0..<20_000 {
            var bytes = Bool.random(using: &random) ? text : raw
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                mutate(&bytes, &random)
            }
            guard let checked = try? SignaturePackets.check(bytes, subject: "s") else { continue }
            passed += 1
            let packets = try Packet.all(in: checked.bytes[...], limit: 8, subject: "")
            #expect(packets.count == checked.count, "seed \(seed)")
            #expect(packets.allSatisfy { $0.tag == 2 && $0.body.first == 4 }, "seed \(seed)")
        }
        #expect(passed > 0, "seed \(seed)")
    }
}

/// Changes, removes, adds, doubles or cuts.
func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
    let at = Int.random(in: bytes.indices, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes.remove(at: at)
    case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
    case 4: bytes.append(contentsOf: bytes[at...])
    default: bytes.removeSubrange(at...)
    }
}
