// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("An upload's declaration")
struct UploadDeclarationTests {
    private let file = FileReference(size: 1, sha256: SHA256Digest(hashing: []))

    private func declaration() throws -> UploadDeclaration {
        UploadDeclaration(
            image: try ImageName(path: "debian/bookworm/amd64/default"),
            serial: try Serial("20260101_00:00"),
            files: ["image.json": file, "rootfs.tar.xz": FileReference(size: 7, sha256: file.sha256)]
        )
    }

    @Test("comes back as itself, and knows how much it is")
    func roundTrip() throws {
        let bytes = try declaration().canonicalBytes()
        let again = try UploadDeclaration(verified: bytes, subject: "x")
        #expect(try again.canonicalBytes() == bytes)
        #expect(try again.name().path == "debian/bookworm/amd64/default" && again.size == 8)
    }

    @Test("is refused as BINDING when it could name anything but a build's files")
    func refuses() throws {
        let rows: [(inout UploadDeclaration) -> Void] = [
            { $0.image = "debian/bookworm/amd64" }, { $0.image = "debian/bookworm/amd64/default/x" },
            { $0.image = "../bookworm/amd64/default" }, { $0.image = "" }, { $0.files = [:] },
            { $0.files["image.json"] = nil }, { $0.files["../x"] = file }, { $0.files[".x"] = file },
            { $0.files["a/b"] = file }, { $0.files[""] = file }, { $0.files["index.html"] = file },
            { $0.files["rootfs.tar.xz.asc"] = file }, { $0.files["SHA256SUMS"] = file }, { $0.files["a\n"] = file },
            { $0.files["x"] = FileReference(size: -1, sha256: file.sha256) },
            { $0.files["x"] = FileReference(size: .max, sha256: file.sha256) },
            { for number in 0..<256 { $0.files["\(number)"] = file } },
        ]
        for change in rows {
            var changed = try declaration()
            change(&changed)
            #expect { try changed.name() } throws: { ($0 as? RootcellarError)?.errorClass == .binding }
        }
    }

    @Test("that was damaged is refused or another one, and never ends the program")
    func damaged() throws {
        let sound = try declaration().canonicalBytes()
        var random = SeededGenerator()
        for _ in 0..<2000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let read = try? UploadDeclaration(verified: bytes, subject: "x"), (try? read.name()) != nil else {
                continue
            }
            #expect(read.size >= 0 && read.files.keys.allSatisfy { !$0.contains("/") && !$0.hasPrefix(".") })
        }
    }
}
