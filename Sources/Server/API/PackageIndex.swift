// SPDX-License-Identifier: Apache-2.0

import Model
import NIOPosix

/// Which packages the current build of each image has, in memory: made when it is first needed and brought up to date when
/// the pointer has changed, by reading the documents that are new. No request reads a document.
actor PackageIndex {
    /// A package of a build.
    struct Found: Sendable {
        let image: ImageName
        let serial: Serial
        let version: String
        let architecture: String
    }

    private let tree: PublishedTree
    private let pool: NIOThreadPool
    private var documents: [SHA256Digest: [ImageDocument.Package]] = [:]
    private var found: [String: [Found]] = [:]
    /// The manifest that this is of.
    private var manifest: FileReference?
    private var isLoading = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ tree: PublishedTree, pool: NIOThreadPool) {
        self.tree = tree
        self.pool = pool
    }

    /// The builds that have a package of this name.
    ///
    /// - Throws: what is wrong with the tree.
    func search(_ name: String, in state: TreeState) async throws -> [Found] {
        try await update(state)
        return found[name] ?? []
    }

    /// Reads what is new.
    func update(_ state: TreeState) async throws {
        while manifest != state.pointer.manifest.file {
            if isLoading {
                await withCheckedContinuation { waiting.append($0) }
                continue
            }
            isLoading = true
            defer {
                isLoading = false
                for continuation in waiting { continuation.resume() }
                waiting = []
            }
            let (tree, known) = (tree, documents)
            let documents = try await pool.runIfActive { try Self.read(state, tree, known) }
            var found: [String: [Found]] = [:]
            for (name, build) in state.current {
                for package in documents[build.image.sha256] ?? [] {
                    found[package.name, default: []].append(
                        Found(
                            image: name,
                            serial: build.serial,
                            version: package.version,
                            architecture: package.architecture
                        )
                    )
                }
            }
            self.documents = documents
            self.found = found
            manifest = state.pointer.manifest.file
        }
    }

    private static func read(
        _ state: TreeState,
        _ tree: PublishedTree,
        _ known: [SHA256Digest: [ImageDocument.Package]]
    ) throws(RootcellarError) -> [SHA256Digest: [ImageDocument.Package]] {
        var result: [SHA256Digest: [ImageDocument.Package]] = [:]
        for (name, build) in state.current {
            let id = build.image.sha256
            if let packages = known[id] {
                result[id] = packages
            } else {
                result[id] = try tree.document(name, build).packages
            }
        }
        return result
    }
}

extension TreeState {
    /// The build of each image that clients are given: not taken back, and that of its channel.
    var current: [(name: ImageName, build: IndexShard.Build)] {
        let revoked = Set(manifest.revoked.map(\.image))
        return images.compactMap { image in image.entry.current(revoked: revoked).map { (image.name, $0) } }
    }
}

extension PublishedTree {
    /// The document of a build. Blocks.
    ///
    /// - Throws: `REPOSITORY`, `SIZE`, `HASH`, or what the document throws.
    func document(_ name: ImageName, _ build: IndexShard.Build) throws(RootcellarError) -> ImageDocument {
        let path = TreePath.file(name, build.serial, ImageDocument.fileName)
        let bytes = try read(path, limit: min(max(build.image.size, 0), ImageDocument.limit))
        try build.image.check(bytes, subject: path)
        return try ImageDocument(verified: bytes, subject: path)
    }
}
