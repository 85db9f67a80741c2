// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("Keys of an archive", .scratchDirectory)
struct KeyringTests {
    /// Debian's of bookworm, which is kept in the source tree.
    private static let fingerprint = "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"

    private func keys(_ texts: String...) throws -> [SourceText] {
        let lines = texts.map {
            "  - |\n" + $0.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }.joined()
        }
        let text = """
            image: {distribution: debian, release: bookworm}
            source:
              downloader: debootstrap
              keys:
            \(lines.joined())packages: {manager: apt}

            """
        return try DefinitionFile.load(
            text: text,
            path: "test.yaml",
            overrides: [],
            hostArchitecture: "x86_64",
            now: Timestamp(seconds: 0)
        ).definition.definition.source.keys
    }

    private func blocks(_ keys: [SourceText]) throws -> [[UInt8]] { try Keyring.blocks(try SourceKeys(keys), at: "x") }

    @Test("are taken without the empty line that people forget, and however many have signed them")
    func asFound() throws {
        let kept = try #require(
            SourceKeys.directories.first {
                FileManager.default.fileExists(atPath: "\($0)/\(Self.fingerprint).asc")
            }
        )
        let text = String(decoding: try readFile(FilePath("\(kept)/\(Self.fingerprint).asc")), as: UTF8.self)
        let cut = text.replacing("BLOCK-----\n\n", with: "BLOCK-----\n")
        #expect(cut != text)
        let block = try blocks(try keys(cut))[0]
        #expect(String(decoding: block, as: UTF8.self).hasPrefix("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"))
        let headed = text.replacing("BLOCK-----\n\n", with: "BLOCK-----\nVersion: 1\nComment: x\n\n")
        #expect(try blocks(try keys(headed)).count == 1)
        // Signature packets of 300 bytes (RFC 4880, 4.2.1).
        let base64 = text.split(separator: "\n").dropFirst().prefix { !$0.hasPrefix("=") && !$0.hasPrefix("-") }
            .joined()
        let certification = [0x89, 0x01, 0x2C] + [UInt8](repeating: 4, count: 300)
        let raw = Array(try #require(Data(base64Encoded: base64)))
        let file = ScratchDirectory.path.appending("signed.gpg")
        try writeFile(file, raw + Array(repeatElement(certification, count: 300).joined()))
        #expect(try SourceKeys([], file: file).fingerprints.map(\.hex) == [Self.fingerprint])
    }

    @Test("are written whole, whether they are given or only named")
    func written() throws {
        let kept = try #require(
            SourceKeys.directories.first {
                $0.hasSuffix("/keys")
                    && FileManager.default.fileExists(
                        atPath: "\($0)/\(Self.fingerprint).asc"
                    )
            }
        )
        let file = try readFile(FilePath("\(kept)/\(Self.fingerprint).asc"))
        let given = String(decoding: file, as: UTF8.self)
        // The last is of the subkey that signs.
        for text in [Self.fingerprint, "0x\(Self.fingerprint)", given, "B7C5D7D6350947F8", "0x6ed0e7b82643e131"] {
            let top = ScratchDirectory.path.appending("\(text.prefix(20).utf8.count)-\(text.utf8.count)")
            try makeHostDirectory(top)
            let directory = try #require(try Keyring.write(try blocks(try keys(text)), below: top))
            #expect(try readFile(directory.appending("source-1.asc")).starts(with: file.dropLast()))
        }
        #expect(try Keyring.write([], below: ScratchDirectory.path) == nil)
    }

    @Test(
        "are refused if nobody has them, or if they say nothing of an archive",
        arguments: [
            String(repeating: "0", count: 40), "sha256:" + String(repeating: "0", count: 64), "350947F8",
            "RWQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ]
    )
    func refused(_ text: String) throws {
        let keys = try keys(text)
        #expect(throws: RootcellarError.self) { try blocks(keys) }
        #expect(throws: RootcellarError.self) { try blocks(keys + (try self.keys(Self.fingerprint))) }
    }
}
