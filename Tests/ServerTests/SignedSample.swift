// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage

@testable import Server

/// The documents of a tree in the form of signed ones: the server looks at no signature, clients do.
struct SignedSample {
    var now = Timestamp.now
    var version = 7
    /// Seconds since the pointer was signed, and the seconds it is valid for.
    var age: Int64 = 3600
    var validity: Int64 = 7 * 86400
    var manifestLeft: Int64 = 100 * 86400
    var rootLeft: Int64 = 300 * 86400
    var images = ["debian/bookworm/amd64/default": ["20260101_00:00", "20260102_00:00"]]
    /// What is installed in every build of an image.
    var packages: [String: [ImageDocument.Package]] = [:]

    /// Writes everything into a tree, the pointer last.
    func write(to tree: FilePath) throws {
        func put(_ bytes: [UInt8], _ path: String) throws -> FileReference {
            let place = tree.appending(path)
            try FileManager.default.createDirectory(
                atPath: place.removingLastComponent().string,
                withIntermediateDirectories: true
            )
            try Data(bytes).write(to: URL(filePath: place.string), options: .atomic)
            return FileReference(of: bytes)
        }
        func sign(_ document: some Document, _ path: String) throws -> FileReference {
            try put(SignedFile(payload: document.canonicalBytes(), signatures: Array("none\n".utf8)).bytes, path)
        }
        var shards: [String: IndexShard] = [:]
        for (path, serials) in images.sorted(by: { $0.key < $1.key }) {
            let name = try ImageName(path: path)
            var builds: [IndexShard.Build] = []
            for text in serials {
                let serial = try Serial(text)
                let document = ImageDocument(
                    name: name,
                    serial: serial,
                    summary: "a sample",
                    created: serial.time,
                    lifetime: 86400,
                    files: [:],
                    tar: .init(size: 0, sha256: SHA256Digest(hashing: []), entries: 0, unpackedBytes: 0),
                    packages: packages[path] ?? [],
                    inputs: [:]
                )
                let reference = try put(document.canonicalBytes(), TreePath.file(name, serial, ImageDocument.fileName))
                builds.append(IndexShard.Build(serial: serial, image: reference, tested: true))
            }
            let image = IndexShard.Image(
                release: name.release,
                architecture: name.architecture,
                variant: name.variant,
                builds: builds
            )
            let former = shards[name.distribution]?.images ?? []
            shards[name.distribution] = IndexShard(
                server: "sample",
                distribution: name.distribution,
                images: former + [image]
            )
        }
        var indexes: [String: FileReference] = [:]
        for (distribution, shard) in shards {
            let bytes = try shard.canonicalBytes()
            indexes[distribution] = try put(bytes, TreePath.index(SHA256Digest(hashing: bytes)))
        }
        _ = try sign(
            RootDocument(
                server: "sample",
                version: 1,
                expires: now.adding(seconds: rootLeft),
                roles: [:],
                publicKeys: []
            ),
            TreePath.root(1)
        )
        let signedAt = now.adding(seconds: -age)
        let manifest = Manifest(
            server: "sample",
            version: version,
            signedAt: signedAt,
            validUntil: now.adding(seconds: manifestLeft),
            indexes: indexes
        )
        let file = try sign(manifest, TreePath.manifest(version))
        let pointer = Pointer(
            server: "sample",
            root: 1,
            manifest: .init(version: version, file: file),
            signedAt: signedAt,
            validUntil: signedAt.adding(seconds: validity)
        )
        _ = try sign(pointer, TreePath.pointer)
    }
}
