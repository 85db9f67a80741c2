// SPDX-License-Identifier: Apache-2.0

import Model
import NIOPosix

/// The state of the tree, read anew when its pointer has changed. Whoever asks gets what is published at that moment.
actor Catalogue {
    private let tree: PublishedTree
    private let pool: NIOThreadPool
    private var known: (pointer: [UInt8], state: TreeState)?
    private var isLoading = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ tree: PublishedTree, pool: NIOThreadPool) {
        self.tree = tree
        self.pool = pool
    }

    /// What is published now.
    ///
    /// - Throws: what is wrong with the tree.
    func current() async throws -> TreeState {
        while true {
            let pointer = try await readPointer()
            if let known, known.pointer == pointer { return known.state }
            // One reads, the others wait for it.
            if isLoading {
                await withCheckedContinuation { waiting.append($0) }
                continue
            }
            do {
                let state = try await load(pointer)
                known = (pointer, state)
                return state
            } catch {
                // A publisher may have taken away what the pointer named, but not without having put another one there.
                guard try await readPointer() != pointer else { throw error }
            }
        }
    }

    private func load(_ pointer: [UInt8]) async throws -> TreeState {
        isLoading = true
        defer {
            isLoading = false
            for continuation in waiting { continuation.resume() }
            waiting = []
        }
        let (tree, former) = (tree, known?.state)
        return try await pool.runIfActive { try TreeState(pointer: pointer, in: tree, after: former) }
    }

    private func readPointer() async throws -> [UInt8] {
        let tree = tree
        return try await pool.runIfActive { try tree.read(TreePath.pointer, limit: SignedFile.Kind.pointer.limit) }
    }
}
