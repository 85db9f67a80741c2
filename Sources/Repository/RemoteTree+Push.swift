// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import Transfer

#if canImport(Glibc)
import Glibc
#endif

/// Puts what a publication has put into place in the working copy into the store.
extension RemoteTree {
    /// Files, and directories with all that is in them.
    func put(_ paths: [String]) throws(RootcellarError) {
        for path in paths {
            guard Disk.isDirectory(layout.path(path)) else {
                try putFile(path)
                continue
            }
            // The document that names the others comes last.
            let names = try Disk.members(layout.path(path)).sorted()
            for name in names where name != ImageDocument.fileName { try putFile("\(path)/\(name)") }
            if names.contains(ImageDocument.fileName) { try putFile("\(path)/\(ImageDocument.fileName)") }
            // A request whose answer was lost may have begun an upload that nobody knows of.
            try store.abortUploads(below: path + "/")
        }
    }

    private func putFile(_ path: String) throws(RootcellarError) {
        let file = try Disk.open(layout.path(path))
        defer { try? file.close() }
        let size: Int
        do { size = Int(try file.seek(offset: 0, from: .end)) } catch {
            throw Disk.fault("cannot be read", layout.path(path), error)
        }
        try store.put(path, descriptor: file.rawValue, size: size)
    }

    /// A manifest is never written over: whoever has written this version first has the tree.
    func putManifest(_ path: String) throws(RootcellarError) {
        let bytes = try Disk.read(layout.path(path), limit: SignedFile.Kind.manifest.limit)
        guard try replace(path, bytes, .absent) != nil else { throw overtaken() }
    }

    /// Puts a new set in force, if nobody else has.
    ///
    /// - Throws: `REPOSITORY` if somebody has.
    func putPointer(_ bytes: [UInt8]) throws(RootcellarError) {
        isUnsure = true
        let condition = pointerETag.map { ObjectStore.Condition.matches($0) } ?? .absent
        let etag = try replace(TreePath.pointer, bytes, condition)
        isUnsure = false
        guard let etag else { throw overtaken() }
        pointerETag = etag
    }

    /// Puts the indexes for stock clients after the pointer: they name builds that are there. Each index is followed by its
    /// signature at once; of the catalogue, what `index.json` names comes before it.
    func putIndexes(_ version: Int) throws(RootcellarError) {
        hasStaleIndexes = true
        let legacy = LegacyIndex.names.flatMap { ["\($0)", "\($0).asc"] }.map { "\(TreePath.legacyIndexes)/\($0)" }
        let names = try Disk.members(layout.path(FlippedDirectory.streams(layout).relativePath(version))).sorted()
        let isIndex: (String) -> Bool = { $0.hasPrefix("index.") }
        let streams = (names.filter { !isIndex($0) } + names.filter(isIndex)).map { "\(TreePath.streams)/\($0)" }
        let known = state.version == version - 1 ? state.derived : nil
        if state.derived != nil {
            state.derived = nil
            try save()
        }
        var put: [String: SHA256Digest] = [:]
        for path in legacy + streams {
            let bytes = try Disk.read(local(path, version), limit: 512 << 20)
            let hash = SHA256Digest(hashing: bytes)
            put[path] = hash
            if known?[path] == hash { continue }
            try store.onPart?()
            guard case .stored = try store.put(path, bytes) else { throw overtaken() }
        }
        let former: [String]
        if let known { former = Array(known.keys) } else { former = try store.list(TreePath.streams + "/").map(\.path) }
        for path in former where put[path] == nil { try store.delete(path) }
        (state.version, state.derived) = (version, put)
        try save()
        hasStaleIndexes = false
    }

    /// Where a file of a directory that changes as a whole stands here.
    private func local(_ path: String, _ version: Int) -> FilePath {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let directory = path.hasPrefix(TreePath.streams) ? FlippedDirectory.streams(layout) : .legacy(layout)
        return layout.path(directory.relativePath(version)).appending(name)
    }

    /// Removes files, and builds with all that is in them, uploads that never ended included.
    func remove(_ paths: [String]) throws(RootcellarError) {
        for path in paths where Journal.isOurs(path) {
            guard path.hasPrefix("images/") else {
                try store.delete(path)
                continue
            }
            for entry in try store.list(path + "/") { try store.delete(entry.path) }
            try store.abortUploads(below: path + "/")
        }
    }
}
