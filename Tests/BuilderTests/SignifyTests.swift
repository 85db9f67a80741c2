// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("Signatures of signify", .scratchDirectory)
struct SignifyTests {
    private let message = Array("SHA256 (root.tar.xz) = 00\n".utf8)

    /// A key of signify and a signature by it, made by openssl: the same curve in another wrapping.
    private func sign(number: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]) async throws -> (key: String, signature: [UInt8]) {
        let directory = ScratchDirectory.path
        try Data(message).write(to: URL(filePath: directory.appending("message").string))
        let made = try await runProgram(
            "sh",
            [
                "-euc",
                """
                cd "$1"
                openssl genpkey -algorithm ed25519 -out key
                openssl pkey -in key -pubout -outform DER | tail -c 32 >public
                openssl pkeyutl -sign -rawin -inkey key -in message -out signature
                """, "sh", directory.string,
            ]
        )
        #expect(made.status == 0, "\(made.errors)")
        func wrapped(_ name: String) throws -> String {
            let raw = try Data(contentsOf: URL(filePath: directory.appending(name).string))
            return (Data("Ed".utf8) + Data(number) + raw).base64EncodedString()
        }
        let signature = "untrusted comment: verify with key.pub\n\(try wrapped("signature"))\n"
        return (try wrapped("public"), Array(signature.utf8))
    }

    @Test("count if a given key made them over exactly these bytes")
    func verification() async throws {
        let (key, signature) = try await sign()
        #expect(SignifySignature.looksLikeOne(signature))
        let words = try SignifySignature.verify(message, signature, keys: ["x", key], subject: "list")
        #expect(words == "signed by signify key 0102030405060708")
        // Embedded messages follow the signature; they are not what is believed.
        #expect(throws: Never.self) {
            try SignifySignature.verify(message, signature + message, keys: [key], subject: "list")
        }
        #expect(throws: RootcellarError.self) {
            try SignifySignature.verify(message + [0x0A], signature, keys: [key], subject: "list")
        }
        #expect(throws: RootcellarError.self) {
            try SignifySignature.verify(message, signature, keys: [], subject: "list")
        }
        let (other, _) = try await sign()
        #expect(throws: RootcellarError.self) {
            try SignifySignature.verify(message, signature, keys: [other], subject: "l")
        }
    }

    @Test("any other bytes are refused")
    func anything() {
        var generator = SeededGenerator()
        for _ in 0..<500 {
            let bytes =
                Array("untrusted comment: x\n".utf8) + generator.bytes(Int.random(in: 0..<120, using: &generator))
            #expect(throws: RootcellarError.self) {
                try SignifySignature.verify(message, bytes, keys: ["RWQ="], subject: "list")
            }
        }
    }
}
