// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// What the signed documents of a tree say at one moment.
///
/// Nothing is verified: whoever can write to the tree can make this server say anything, and clients believe none of it.
/// Only that each document is the one which the document above it names is checked, so that no two sets are mixed.
struct TreeState: Sendable {
    let pointer: Pointer
    let manifest: Manifest
    let root: RootDocument
    /// Every index by its hash.
    let shards: [SHA256Digest: IndexShard]
    /// Every image by its checked name; sorted.
    let images: [(name: ImageName, entry: IndexShard.Image)]

    /// How many builds there are.
    var builds: Int { images.reduce(0) { $0 + $1.entry.builds.count } }

    /// Reads everything below a pointer.
    ///
    /// - Parameter former: what was read before; indexes that are still in force are taken from it.
    /// - Throws: what is wrong with the tree, or the documents of a newer format.
    init(
        pointer bytes: [UInt8],
        in tree: PublishedTree,
        after former: TreeState?
    ) throws(RootcellarError) {
        let pointer: Pointer = try Self.document(bytes, .pointer, TreePath.pointer)
        self.pointer = pointer
        let manifestPath = TreePath.manifest(pointer.manifest.version)
        let manifestBytes = try tree.read(manifestPath, limit: SignedFile.Kind.manifest.limit)
        try pointer.manifest.file.check(manifestBytes, subject: manifestPath)
        manifest = try Self.document(manifestBytes, .manifest, manifestPath)
        let rootPath = TreePath.root(pointer.root)
        root = try Self.document(try tree.read(rootPath, limit: SignedFile.Kind.root.limit), .root, rootPath)
        var shards: [SHA256Digest: IndexShard] = [:]
        var images: [(name: ImageName, entry: IndexShard.Image)] = []
        for (_, reference) in manifest.indexes {
            let path = TreePath.index(reference.sha256)
            let shard: IndexShard
            if let known = former?.shards[reference.sha256] {
                shard = known
            } else {
                let bytes = try tree.read(path, limit: reference.size)
                try reference.check(bytes, subject: path)
                shard = try IndexShard(verified: bytes, subject: path)
            }
            shards[reference.sha256] = shard
            images += zip(try shard.catalogue(subject: path), shard.images).map { ($0.name, $1) }
        }
        self.shards = shards
        self.images = images.sorted { $0.name < $1.name }
    }

    private static func document<Kind: Document>(
        _ bytes: [UInt8],
        _ kind: SignedFile.Kind,
        _ path: String
    ) throws(RootcellarError) -> Kind {
        try Kind(verified: try SignedFile(reading: bytes, kind: kind, subject: path).payload, subject: path)
    }
}

extension PublishedTree {
    /// A whole small file of the tree. Blocks.
    ///
    /// - Throws: `REPOSITORY` if it is not there or cannot be read, `SIZE` over `limit`.
    func read(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8] {
        guard let name = RequestPath(target: "/" + path), case .file(let file) = find(name) else {
            throw RootcellarError(.repository, "cannot be read", subject: path)
        }
        guard file.status.size <= limit else {
            throw RootcellarError(.size, "more than \(limit) bytes", subject: path)
        }
        do throws(Errno) { return try file.bytes() } catch {
            throw RootcellarError(.repository, "cannot be read: \(error)", subject: path)
        }
    }
}
