// SPDX-License-Identifier: Apache-2.0

import Model

/// The envelope, and the documents in it.
enum SignedDocumentFuzz {
    static let envelopes = [
        SignedFile(payload: Array("{\"format\":1}\n".utf8), signatures: SignatureFuzz.signatures[0]).bytes,
        Array("ROOTCELLAR SIGNED 2\n5\nhello\nx".utf8), Array("<!doctype html><html>log in</html>".utf8),
    ]

    static func envelope(_ bytes: [UInt8]) {
        for kind in SignedFile.Kind.allCases {
            guard let file = try? SignedFile(reading: bytes, kind: kind, subject: "fuzz") else { continue }
            precondition(file.bytes == bytes, "an envelope that is read is written as it was")
        }
    }

    private static let hash = String(repeating: "ab", count: 32)
    private static let key = String(repeating: "AB", count: 20)
    static let documents = [
        """
        {"expires":"2027-01-01T00:00:00Z","format":1,"roles":{"freshness":{"fingerprints":["\(key)"],"threshold":1},\
        "release":{"fingerprints":["\(key)"],"threshold":1},"root":{"fingerprints":["\(key)"],"threshold":1}},\
        "server":"a.example","version":1}
        """,
        """
        {"format":1,"manifest":{"file":{"sha256":"\(hash)","size":5},"version":3},"root":1,"server":"a.example",\
        "signedAt":"2026-01-01T00:00:00Z","validUntil":"2026-01-08T00:00:00Z"}
        """,
        """
        {"format":1,"indexes":{"debian":{"sha256":"\(hash)","size":5}},"revoked":[],"server":"a.example",\
        "signedAt":"2026-01-01T00:00:00Z","validUntil":"2026-07-08T00:00:00Z","version":3}
        """,
        """
        {"architecture":"amd64","distribution":"debian","files":{"rootfs.tar.xz":{"blocks":["\(hash)"],\
        "sha256":"\(hash)","size":5}},"format":1,"release":"bookworm","serial":"20260101_00:00","tar":{"entries":1,\
        "sha256":"\(hash)","size":10240,"unpackedBytes":5},"variant":"default"}
        """,
    ].map { Array($0.utf8) }

    static func document(_ bytes: [UInt8]) {
        keeps(RootDocument.self, bytes)
        keeps(Pointer.self, bytes)
        keeps(Manifest.self, bytes)
        keeps(ImageDocument.self, bytes)
    }

    static let shards = [
        """
        {"distribution":"debian","format":1,"images":[{"architecture":"amd64","builds":[{"image":{"sha256":"\(hash)",\
        "size":5},"serial":"20260101_00:00","tested":true}],"release":"bookworm","variant":"default"}],\
        "server":"a.example"}
        """
    ].map { Array($0.utf8) }

    static func shard(_ bytes: [UInt8]) {
        keeps(IndexShard.self, bytes)
        guard let shard = try? IndexShard(verified: bytes, subject: "fuzz"),
            let catalogue = try? shard.catalogue(subject: "fuzz")
        else { return }
        for image in catalogue {
            precondition(image.name.distribution == shard.distribution, "an image is of its shard's distribution")
            precondition(!image.builds.isEmpty, "an image has a build")
        }
    }

    private static func keeps<Read: Document>(_: Read.Type, _ bytes: [UInt8]) {
        guard let document = try? Read(verified: bytes, subject: "fuzz") else { return }
        guard let written = try? document.canonicalBytes(), let again = try? Read(verified: written, subject: "fuzz"),
            (try? again.canonicalBytes()) == written
        else { preconditionFailure("a \(Read.title) that is read can be written and read again") }
    }
}
