// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import Transfer

#if canImport(Glibc)
import Glibc
#endif

/// A likeness of a tree in an object store for those who check trees: every object is a file of its size, but only documents
/// have their contents. A build gets its own when it is read, and is empty again afterwards, so that no more room is needed than
/// for one.
final class RemoteCopy {
    let layout: TreeLayout
    private let store: ObjectStore
    private var sizes: [String: Int] = [:]
    private var pointer: [UInt8] = []
    private var claim: [UInt8]?
    /// Whether a publication is between its pointer and the last of its indexes.
    private(set) var isBetween = false

    /// - Parameter top: a directory that does not exist.
    init(_ store: ObjectStore, top: FilePath) {
        self.store = store
        layout = TreeLayout(top: top)
    }

    /// Lists the store and reads the documents.
    ///
    /// - Throws: `REPOSITORY` if there is no tree, or something that cannot be of one.
    func make() throws(RootcellarError) {
        try Disk.makeDirectory(layout.top)
        try Disk.makeDirectory(layout.top.appending(TreeLayout.hidden))
        try Disk.makeDirectory(layout.staging)
        (pointer, claim) = try state()
        let file = try SignedFile(reading: pointer, kind: .pointer, subject: TreePath.pointer)
        // Says what to read; the check verifies it.
        let named = try Pointer(verified: file.payload, subject: TreePath.pointer)
        let version = named.manifest.version
        if let claim {
            let claim = try Claim(verified: claim, subject: store.address.name(of: Claim.path))
            isBetween = claim.manifest == named.manifest.file.sha256
            if claim.hasWork {
                var journal = Journal(version: claim.version ?? version, paths: claim.paths)
                journal.removals = claim.removals
                try journal.write(layout)
            }
        }
        for entry in try store.list("") where !entry.path.hasPrefix(TreeLayout.hidden + "/") {
            try make(entry, version)
        }
        for directory in [FlippedDirectory.legacy(layout), .streams(layout)] {
            guard Disk.isDirectory(layout.path(directory.relativePath(version))) else { continue }
            guard let name = layout.path(directory.relativePath(version)).lastComponent?.string,
                unsafe symlink(name, directory.link.string) == 0
            else { throw Disk.fault("cannot be linked", directory.link, Errno(rawValue: errno)) }
        }
    }

    /// Whether somebody has published or removed something since it was made.
    func isOutdated() -> Bool {
        guard !pointer.isEmpty, let (pointer, claim) = try? state() else { return false }
        return pointer != self.pointer || claim != self.claim
    }

    private func state() throws(RootcellarError) -> (pointer: [UInt8], claim: [UInt8]?) {
        let answer = try store.get(TreePath.pointer, limit: SignedFile.Kind.pointer.limit)
        guard case .found(let pointer, _) = answer else {
            throw RootcellarError(.repository, "there is no published tree", subject: store.address.description)
        }
        guard case .found(let claim, _) = try store.get(Claim.path, limit: Claim.limit) else { return (pointer, nil) }
        return (pointer, claim)
    }

    private func make(_ entry: ObjectStore.Entry, _ version: Int) throws(RootcellarError) {
        let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
        let isClean =
            parts.count <= 16
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && part.utf8.count <= 255 && !part.utf8.contains(0)
            }
        guard isClean else { throw stray(entry.path) }
        var place = entry.path
        for directory in [FlippedDirectory.legacy(layout), .streams(layout)]
        where place.hasPrefix(directory.path + "/") {
            place = directory.relativePath(version) + place.dropFirst(directory.path.utf8.count)
        }
        let above = place.split(separator: "/").dropLast().joined(separator: "/")
        do throws(RootcellarError) { try Disk.makeDirectories(above, below: layout.top) } catch {
            throw stray(entry.path)
        }
        let path = layout.path(place)
        guard !Disk.exists(path) else { throw stray(entry.path) }
        sizes[place] = entry.size
        if Self.isDocument(entry.path) {
            guard entry.size <= Self.documentLimit else {
                throw RootcellarError(.size, "\(entry.size) bytes", subject: store.address.name(of: entry.path))
            }
            try store.copy(entry.path, size: entry.size, to: path)
        } else {
            try empty(path, entry.size)
        }
    }

    private static let documentLimit = 512 << 20

    private static func isDocument(_ path: String) -> Bool {
        ["rootcellar/", "meta/", "streams/"].contains(where: path.hasPrefix)
            || path.hasSuffix("/\(ImageDocument.fileName)")
    }

    private func stray(_ path: String) -> RootcellarError {
        RootcellarError(
            .repository,
            "nothing that is signed names this object",
            subject: store.address.name(of: path),
            hint: "remove it"
        )
    }

    /// Reads the files of a build.
    func fill(_ build: String) throws(RootcellarError) {
        for (path, size) in files(build) { try store.copy(path, size: size, to: layout.path(path)) }
    }

    /// Makes room again.
    func drain(_ build: String) throws(RootcellarError) {
        for (path, size) in files(build) { try empty(layout.path(path), size) }
    }

    private func files(_ build: String) -> [(key: String, value: Int)] {
        sizes.filter { $0.key.hasPrefix(build + "/") && !Self.isDocument($0.key) }.sorted { $0.key < $1.key }
    }

    /// A file of this size without contents.
    private func empty(_ path: FilePath, _ size: Int) throws(RootcellarError) {
        do {
            let file = try FileDescriptor.open(
                path,
                .writeOnly,
                options: [.create, .truncate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead]
            )
            try file.closeAfter {
                try file.resize(to: Int64(size))
                guard fchmod(file.rawValue, 0o644) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch { throw Disk.fault("cannot be made", path, error) }
    }
}
