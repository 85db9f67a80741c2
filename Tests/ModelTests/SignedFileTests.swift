// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("A signed file")
struct SignedFileTests {
    private let good = SignedFile(payload: Array("{\"a\": 1}".utf8), signatures: Array("-----BEGIN\n".utf8))

    private func read(_ text: String, _ kind: SignedFile.Kind = .pointer) throws -> SignedFile {
        try SignedFile(reading: Array(text.utf8), kind: kind, subject: "x")
    }

    @Test("has the published form and reads back as itself")
    func form() throws {
        #expect(String(decoding: good.bytes, as: UTF8.self) == "ROOTCELLAR SIGNED 1\n8\n{\"a\": 1}\n-----BEGIN\n")
        for kind in SignedFile.Kind.allCases {
            #expect(try SignedFile(reading: good.bytes, kind: kind, subject: "x") == good)
        }
    }

    @Test("signs its kind with its payload")
    func signedBytes() {
        #expect(
            String(decoding: SignedFile.signedBytes(kind: .root, payload: [0x41]), as: UTF8.self)
                == "ROOTCELLAR root 1\nA"
        )
        let all = Set(SignedFile.Kind.allCases.map { SignedFile.signedBytes(kind: $0, payload: good.payload) })
        #expect(all.count == 3)
    }

    @Test(
        "in no other form is SIGNATURE",
        arguments: [
            "", "R", "ROOTCELLAR SIGNED", "ROOTCELLAR SIGNED 1\n",
            " ROOTCELLAR SIGNED 1\n1\nA\nS", "\u{FEFF}ROOTCELLAR SIGNED 1\n1\nA\nS", "ROOTCELLAR SIGNED 1\n\nA\nS",
            "ROOTCELLAR SIGNED 1\n0\n\nS", "ROOTCELLAR SIGNED 1\n01\nA\nS", "ROOTCELLAR SIGNED 1\n+1\nA\nS",
            "ROOTCELLAR SIGNED 1\n-1\nA\nS", "ROOTCELLAR SIGNED 1\n1 \nA\nS", "ROOTCELLAR SIGNED 1\n0x1\nA\nS",
            "ROOTCELLAR SIGNED 1\n2\nA\nS", "ROOTCELLAR SIGNED 1\n1\nAA\nS", "ROOTCELLAR SIGNED 1\n1\nA",
            "ROOTCELLAR SIGNED 1\n1\nA\n", "ROOTCELLAR SIGNED 1\n3\nA\nS", "ROOTCELLAR SIGNED 1\n4\nA\nS",
            "ROOTCELLAR SIGNED 1\n999999999999999999\nA\nS", "ROOTCELLAR SIGNED 1\n99999999999999999999999\nA\nS",
            "ROOTCELLAR SIGNED 1\n9223372036854775807\nA\nS", "ROOTCELLAR SIGNED 1\n1A\nS",
            "-----BEGIN PGP SIGNED MESSAGE-----\n",
        ]
    )
    func refused(_ text: String) {
        #expect(errorClass { _ = try read(text) } == .signature)
    }

    @Test(
        "of a newer form is POLICY, with the remedy",
        arguments: ["ROOTCELLAR SIGNED 2\n1\nA\nS", "ROOTCELLAR SIGNED 10\n"]
    )
    func newer(_ text: String) {
        let error = #expect(throws: RootcellarError.self) { try read(text) }
        #expect(error?.errorClass == .policy && error?.hint?.contains("newer version") == true)
    }

    @Test(
        "that is a login page is SIGNATURE, and named as what it is",
        arguments: [
            "<!DOCTYPE html><html>", "<html><body>Log in", "\n\n  <HTML>",
        ]
    )
    func loginPage(_ text: String) {
        let error = #expect(throws: RootcellarError.self) { try read(text) }
        #expect(error?.errorClass == .signature && error?.hint?.contains("HTML") == true)
    }

    @Test("over the limit of its kind is SIZE, at the limit is not", arguments: SignedFile.Kind.allCases)
    func limits(_ kind: SignedFile.Kind) throws {
        let roughly = SignedFile(payload: Array(repeating: 0x41, count: kind.limit - 30), signatures: [0x53])
        let room = roughly.payload.count - (roughly.bytes.count - kind.limit)
        let largest = SignedFile(payload: Array(repeating: 0x41, count: room), signatures: [0x53])
        #expect(largest.bytes.count == kind.limit)
        #expect(try SignedFile(reading: largest.bytes, kind: kind, subject: "x") == largest)
        #expect(errorClass { _ = try SignedFile(reading: largest.bytes + [0x53], kind: kind, subject: "x") } == .size)
    }

    @Test("has the published limits")
    func publishedLimits() {
        #expect(SignedFile.Kind.allCases.map(\.limit) == [65536, 16384, 1_048_576])
        #expect(SignedFile.signatureLimit == 16384)
    }

    @Test("with more signature bytes than one file may have is SIGNATURE")
    func signatureLimit() throws {
        let most = SignedFile(payload: [0x41], signatures: Array(repeating: 0x53, count: 16384))
        #expect(try SignedFile(reading: most.bytes, kind: .manifest, subject: "x") == most)
        #expect(
            errorClass { _ = try SignedFile(reading: most.bytes + [0x53], kind: .manifest, subject: "x") } == .signature
        )
    }

    @Test("cut anywhere before its signatures is refused")
    func prefixes() {
        for end in 0...(good.bytes.count - good.signatures.count) {
            let part = Array(good.bytes.prefix(end))
            #expect(errorClass { _ = try SignedFile(reading: part, kind: .root, subject: "x") } == .signature, "\(end)")
        }
    }

    @Test(
        "whose first line is damaged but of this version is SIGNATURE",
        arguments: ["ROOTCELLAR SIGNED ", "ROOTCELLAR SIGNED 1", "ROOTCELLAR SIGNED 1\r\n1\nA\nS"]
    )
    func firstLine(_ text: String) {
        #expect(errorClass { _ = try read(text) } == .signature)
    }

    @Test("damaged at random is refused or has the parts that its bytes say")
    func fuzz() {
        var generator = SeededGenerator()
        for _ in 0..<20_000 {
            var bytes = good.bytes
            for _ in 0...Int.random(in: 0...3, using: &generator) {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                case 1 where place < bytes.count: bytes.remove(at: place)
                default: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &generator) }
                }
            }
            do throws(RootcellarError) {
                let file = try SignedFile(reading: bytes, kind: .root, subject: "x")
                #expect(file.bytes == bytes, "seed \(generator.seed)")
            } catch {
                #expect([.signature, .policy].contains(error.errorClass), "seed \(generator.seed)")
            }
        }
    }
}
