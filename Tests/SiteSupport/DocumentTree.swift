// SPDX-License-Identifier: Apache-2.0

package import Model
import Synchronization

/// The documents of a tree in memory, with nothing signed and no other files: what pages are made from.
package final class DocumentTree: TreeFiles, Sendable {
    private struct Content {
        var files: [String: [UInt8]] = [:]
        var written: [String] = []
    }

    private let content = Mutex(Content())
    package static let server = "images.example.org"
    /// The clock of the documents.
    package static let now = Timestamp(seconds: 1_790_000_000)

    package init() {}

    /// Every file by its path.
    package var files: [String: [UInt8]] { content.withLock { $0.files } }

    /// The text of a file; empty if there is none.
    package func text(_ path: String) -> String { String(decoding: files[path] ?? [], as: UTF8.self) }

    /// The paths that were written since the last call.
    package func takeWritten() -> [String] {
        content.withLock { content in
            defer { content.written = [] }
            return content.written
        }
    }

    package func read(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8]? {
        let bytes = files[path]
        if let bytes, bytes.count > limit { throw RootcellarError(.size, "too long", subject: path) }
        return bytes
    }

    package func write(_ bytes: [UInt8], to path: String) throws(RootcellarError) {
        content.withLock { content in
            guard content.files[path] != bytes else { return }
            content.files[path] = bytes
            content.written.append(path)
        }
    }

    package func remove(_ path: String) throws(RootcellarError) {
        content.withLock { _ = $0.files.removeValue(forKey: path) }
    }

    /// Adds a build and what the index says of it.
    ///
    /// - Parameters:
    ///   - age: days before `now`.
    ///   - boot: what the test report says of booting, in milliseconds.
    package func build(
        _ name: ImageName,
        age: Int,
        packages: [(name: String, version: String)],
        size: Int = 50_000_000,
        boot: Int? = 900,
        summary: String? = nil,
        tested: Bool = true
    ) throws -> IndexShard.Build {
        let serial = Serial(Self.now.adding(seconds: Int64(-age) * 86400))
        let hash = SHA256Digest(hashing: Array("\(name) \(serial)".utf8))
        var document = ImageDocument(
            name: name,
            serial: serial,
            summary: summary ?? "\(name.distribution) \(name.release) for \(name.architecture)",
            created: serial.time,
            lifetime: 2 * 86400,
            files: [
                "rootfs.tar.zst": ImageDocument.File(size: size, sha256: hash),
                "build.log": ImageDocument.File(size: 4000, sha256: hash),
            ],
            tar: ImageDocument.Tar(size: size * 4, sha256: hash, entries: 10300, unpackedBytes: size * 4),
            packages: packages.map { ImageDocument.Package(name: $0.name, version: $0.version, architecture: "amd64") },
            inputs: [:]
        )
        if let boot {
            let checks = [TestReport.Check(name: "boot", outcome: .passed, milliseconds: boot)]
            let report = try TestReport(
                document,
                image: FileReference(of: document.canonicalBytes()),
                started: serial.time,
                milliseconds: boot,
                host: [:],
                trials: [TestReport.Trial(name: "lxc", checks: checks), TestReport.Trial(name: "lxd", checks: checks)]
            )
            let bytes = try report.canonicalBytes()
            document.files[TestReport.fileName] = ImageDocument.File(
                size: bytes.count,
                sha256: SHA256Digest(hashing: bytes)
            )
            try write(bytes, to: TreePath.file(name, serial, TestReport.fileName))
        }
        document.tests = tested ? ["contract": .passed, "lxc": .passed, "lxd": .notRun] : nil
        let bytes = try document.canonicalBytes()
        try write(bytes, to: TreePath.file(name, serial, ImageDocument.fileName))
        return IndexShard.Build(
            serial: serial,
            image: FileReference(of: bytes),
            tested: tested,
            published: serial.time.adding(seconds: 600)
        )
    }

    /// Writes the index of the images and returns the documents that are then in force.
    package func publish(
        _ images: [ImageName: [IndexShard.Build]],
        version: Int = 1,
        revoked: [Manifest.Revocation] = []
    ) throws -> PublishedState {
        var indexes: [String: FileReference] = [:]
        for (distribution, names) in Dictionary(grouping: images.keys, by: \.distribution) {
            let shard = IndexShard(
                server: Self.server,
                distribution: distribution,
                images: names.sorted().map {
                    IndexShard.Image(
                        release: $0.release,
                        architecture: $0.architecture,
                        variant: $0.variant,
                        builds: images[$0] ?? []
                    )
                }
            )
            let bytes = try shard.canonicalBytes()
            let reference = FileReference(of: bytes)
            indexes[distribution] = reference
            try write(bytes, to: TreePath.index(reference.sha256))
        }
        let fingerprint = try Fingerprint(String(repeating: "0123456789ABCDEF", count: 4))
        let keys = RootDocument.Keys(threshold: 1, fingerprints: [fingerprint])
        let manifest = Manifest(
            server: Self.server,
            version: version,
            signedAt: Self.now,
            validUntil: Self.now.adding(seconds: 180 * 86400),
            indexes: indexes,
            revoked: revoked
        )
        return PublishedState(
            root: RootDocument(
                server: Self.server,
                version: 2,
                expires: Self.now.adding(seconds: 365 * 86400),
                roles: [.root: keys, .release: keys, .freshness: keys],
                publicKeys: []
            ),
            manifest: manifest,
            pointer: Pointer(
                server: Self.server,
                root: 2,
                manifest: Pointer.Manifest(version: version, file: try FileReference(of: manifest.canonicalBytes())),
                signedAt: Self.now,
                validUntil: Self.now.adding(seconds: 7 * 86400)
            )
        )
    }
}
