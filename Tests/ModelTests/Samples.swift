// SPDX-License-Identifier: Apache-2.0

import Model

/// One value of each document, with something in every field.
enum Samples {
    static let time = Timestamp(seconds: 1_767_225_600)
    static let digest = SHA256Digest(hashing: Array("abc".utf8))
    static let reference = FileReference(size: 3, sha256: digest)

    static func name() throws -> ImageName { try ImageName(path: "debian/bookworm/amd64") }

    static func fingerprint(_ digit: Character) throws -> Fingerprint {
        try Fingerprint(String(repeating: digit, count: 40))
    }

    static func image() throws -> ImageDocument {
        ImageDocument(
            name: try name(),
            serial: Serial(time),
            summary: "Debian \u{201E}bookworm\u{201C}",
            created: time,
            lifetime: 604_800,
            files: [
                "rootfs.tar.xz": .init(size: 3, sha256: digest),
                "rootfs.tar.zst": .init(size: (2 << 20) + 1, sha256: digest, blocks: [digest, digest, digest]),
            ],
            tar: .init(size: 10240, sha256: digest, entries: 2, unpackedBytes: 5),
            packages: [.init(name: "base-files", version: "12.4+deb12u5", architecture: "amd64", source: nil)],
            inputs: ["definition": digest.description],
            taints: ["a source was not verified"]
        )
    }

    static func shard() throws -> IndexShard {
        IndexShard(
            server: "example",
            distribution: "debian",
            images: [
                .init(
                    release: "bookworm",
                    architecture: "amd64",
                    variant: "default",
                    builds: [
                        .init(serial: Serial(time), image: reference, tested: true),
                        .init(serial: Serial(time.adding(seconds: 60)), image: reference, tested: false),
                    ]
                )
            ]
        )
    }

    static func manifest() -> Manifest {
        Manifest(
            server: "example",
            version: 7,
            signedAt: time,
            validUntil: time.adding(seconds: 86400),
            indexes: ["debian": reference],
            revoked: [.init(image: digest, reason: "broken / unsafe")]
        )
    }

    static func pointer() -> Pointer {
        Pointer(
            server: "example",
            root: 1,
            manifest: .init(version: 7, file: reference),
            signedAt: time,
            validUntil: time.adding(seconds: 86400)
        )
    }

    static func root() throws -> RootDocument {
        RootDocument(
            server: "example",
            version: 1,
            expires: time,
            roles: [
                .root: .init(threshold: 2, fingerprints: [try fingerprint("A"), try fingerprint("B")]),
                .release: .init(threshold: 1, fingerprints: [try fingerprint("C")]),
                .freshness: .init(threshold: 1, fingerprints: [try fingerprint("D")]),
            ],
            publicKeys: ["-----BEGIN PGP PUBLIC KEY BLOCK-----\n"]
        )
    }
}

/// The class of the error that `body` throws; nil if it throws none.
func errorClass(_ body: () throws -> Void) -> ErrorClass? {
    do {
        try body()
        return nil
    } catch let error as RootcellarError {
        return error.errorClass
    } catch {
        return .internal
    }
}
