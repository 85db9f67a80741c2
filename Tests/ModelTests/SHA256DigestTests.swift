// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("A SHA-256")
struct SHA256DigestTests {
    @Test(
        "is the published one (FIPS 180-4)",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ]
    )
    func vectors(_ text: String, _ hex: String) {
        #expect(SHA256Digest(hashing: Array(text.utf8)).description == hex)
        #expect(SHA256Digest(hex: hex) == SHA256Digest(hashing: Array(text.utf8)))
    }

    @Test("of pieces is that of the whole, and that of sha256sum", .scratchDirectory)
    func pieces() async throws {
        var generator = SeededGenerator()
        let bytes = generator.bytes(100_000)
        var hasher = SHA256Hasher()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Int.random(in: 0...5000, using: &generator)))
            unsafe hasher.update(piece.span.bytes)
            rest = rest.dropFirst(piece.count)
        }
        let digest = SHA256Digest(hashing: bytes)
        #expect(hasher.finish() == digest, "seed \(generator.seed)")
        let file = ScratchDirectory.path.appending("f")
        try Data(bytes).write(to: URL(filePath: file.string))
        let sum = try await runProgram("sha256sum", [file.string])
        #expect(sum.output.hasPrefix("\(digest) "), "seed \(generator.seed)")
    }

    @Test("can go on after it was asked")
    func goesOn() {
        var hasher = SHA256Hasher()
        #expect(hasher.finish() == SHA256Digest(hashing: [UInt8]()))
        let more: [UInt8] = [0x61]
        unsafe hasher.update(more.span.bytes)
        #expect(hasher.finish() == SHA256Digest(hashing: more))
    }

    @Test("is 64 lower-case hex digits and nothing else")
    func refused() {
        let good = SHA256Digest(hashing: [UInt8]()).description
        for text in [
            "", String(good.dropLast()), good + "0", good.uppercased(), "g" + good.dropFirst(), " " + good.dropFirst(),
        ] {
            #expect(SHA256Digest(hex: text) == nil, "\(text)")
        }
    }

    @Test("sorts as its text does")
    func order() {
        let digests = (0..<50).map { SHA256Digest(hashing: [UInt8($0)]) }
        #expect(digests.sorted().map(\.description) == digests.map(\.description).sorted())
    }
}
