// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage
import Transfer

extension RemoteTree {
    /// Runs `body` with the lock of the working copy and with the documents that are in force.
    ///
    /// - Parameter claiming: whether `body` changes the tree: then no other publisher does meanwhile, wherever it is.
    func locked<Result>(
        waiting seconds: Int,
        claiming: Bool,
        history: Bool,
        _ body: () throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        try open()
        let lock = try TreeLock(layout, waiting: seconds)
        defer { withExtendedLifetime(lock) {} }
        // Another process may have written it since.
        try open()
        if claiming { try begin(waiting: seconds) }
        do throws(RootcellarError) {
            try pull(history: history)
            let result = try body()
            finish()
            return result
        } catch {
            abandon()
            throw error
        }
    }

    /// Runs `body` for a tree that is not there yet, in an empty working copy.
    ///
    /// - Throws: `REPOSITORY` if there is something at its place.
    func lockedForInit(_ body: () throws(RootcellarError) -> Void) throws(RootcellarError) {
        try open()
        let lock = try TreeLock(layout, waiting: 0)
        defer { withExtendedLifetime(lock) {} }
        try begin(waiting: 0)
        do throws(RootcellarError) {
            if case .found = try store.get(TreePath.pointer, limit: SignedFile.Kind.pointer.limit) {
                // What an earlier call had left may be just that tree: it stays for the next publisher.
                throw RootcellarError(.repository, "there is a published tree already", subject: name)
            }
            if let dead = inherited {
                try remove(dead.paths)
                try settled()
            }
            guard try store.list("", most: 3).allSatisfy({ $0.path == Claim.path }) else {
                throw RootcellarError(
                    .repository,
                    "there is something else already",
                    subject: name,
                    hint: "give a new prefix"
                )
            }
            for member in try Disk.members(layout.top) where member != TreeLayout.hidden {
                try Disk.remove(layout.top.appending(member))
            }
            try Disk.remove(layout.journal)
            try Disk.remove(layout.top.appending(TreeLayout.hidden).appending("pages"))
            state.derived = nil
            try save()
            try body()
            finish()
        } catch {
            abandon()
            throw error
        }
    }

    /// Puts the first documents into the store, the pointer last.
    func begin(tree files: [String], manifest: SHA256Digest, pointer: [UInt8]) throws(RootcellarError) {
        let streams = try Disk.members(layout.path(FlippedDirectory.streams(layout).relativePath(1)))
        let derived =
            LegacyIndex.names.flatMap { ["\(TreePath.legacyIndexes)/\($0)", "\(TreePath.legacyIndexes)/\($0).asc"] }
            + streams.map { "\(TreePath.streams)/\($0)" }
        try announce(version: 1, manifest: manifest, paths: files + derived)
        try put(files)
        try putIndexes(1)
        pointerETag = nil
        try putPointer(pointer)
        claim?.clear()
    }
}

extension Publisher {
    /// Ends what a publisher that died had begun in the store.
    ///
    /// - Returns: the tree as it is then.
    func settle(_ tree: CurrentTree, _ home: KeyHome) throws(RootcellarError) -> CurrentTree {
        guard let remote, let dead = remote.inherited else { return tree }
        var tree = tree
        if dead.manifest == tree.pointer.manifest.file.sha256 {
            remote.hasStaleIndexes = true
        } else if !dead.paths.isEmpty {
            // Its pointer may still be on the way. With another one in force its condition holds no more, and only then
            // nothing can name what is removed.
            _ = try publication(tree, home, keys).renewPointer(isFence: true)
            tree = try CurrentTree(layout, keys: keys, roles: [], now: now)
            try remote.remove(dead.paths)
        }
        if let version = dead.version, version <= tree.manifest.version { try remote.remove(dead.removals) }
        try remote.settled()
        return tree
    }
}
