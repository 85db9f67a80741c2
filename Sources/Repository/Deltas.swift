// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// Makes the patches from published builds of an image to one that is about to be published.
///
/// Every patch is applied once before anybody else sees it, and one that saves less than half is left out.
struct Deltas {
    /// A build that is published already.
    struct Base {
        /// Where it is, relative to the top of the tree.
        let path: String
        let directory: FilePath
        let document: ImageDocument
    }

    /// A file that publishing adds to a build.
    struct Addition {
        let path: FilePath
        let file: ImageDocument.File
    }

    let source: ImageSource
    /// Newest first.
    let bases: [Base]
    /// A directory of its own, for everything.
    let place: FilePath

    /// The level of compression: above it, patches between builds grow hardly smaller, and take several times as long.
    private static let level = 12

    /// The patches by their names.
    ///
    /// - Throws: `REPOSITORY` if a program is missing or a published build is damaged; `ARCHIVE`, `HASH`, `SIZE` if the
    ///   new one is.
    func make() throws(RootcellarError) -> [String: Addition] {
        guard !bases.isEmpty else { return [:] }
        try Disk.makeDirectory(place, mode: 0o700)
        return try patches().merging(try squashfs()) { $1 }
    }

    private func patches() throws(RootcellarError) -> [String: Addition] {
        var made: [String: Addition] = [:]
        let wanted = bases.filter {
            source.document.files[ImageDocument.patchName(from: $0.document.serial)] == nil
                && $0.document.tar.size <= TarPatch.sizeLimit
        }
        guard let whole = Self.compressed(source.document), source.document.tar.size <= TarPatch.sizeLimit,
            !wanted.isEmpty
        else { return [:] }
        let new = try plain(source.directory, source.document, as: "new")
        defer { try? new.close() }
        for base in wanted {
            let old = try plain(base.directory, base.document, as: "old")
            defer { try? old.close() }
            let name = ImageDocument.patchName(from: base.document.serial)
            let path = place.appending(name)
            let patch = try Self.file(path)
            defer { try? patch.close() }
            let size = try TarPatch.make(base: old, new: new, patch: patch, level: Self.level)
            // Older builds are further away.
            guard size <= whole.file.size / 2 else {
                try Disk.remove(path)
                break
            }
            let result = try Self.file(place.appending("result"))
            defer { try? result.close() }
            do throws(Errno) {
                try TarPatch.reserve(result, size: source.document.tar.size)
            } catch { throw Disk.fault("there is no room for a patch", place, error) }
            try TarPatch.apply(base: old, patch: patch, output: result)
            let tar = try HashedFile.read(place.appending("result"))
            guard tar.sha256 == source.document.tar.sha256 else {
                throw RootcellarError(.internal, "the patch from \(base.document.serial) does not make the new tar")
            }
            try Disk.remove(place.appending("result"))
            made[name] = Addition(path: path, file: try HashedFile.read(path))
        }
        return made
    }

    /// The one delta that LXD and Incus can use: with two, both spoil the result.
    private func squashfs() throws(RootcellarError) -> [String: Addition] {
        let file = "rootfs.squashfs"
        guard source.document.files[StreamsBuild.metadata] != nil, let new = source.document.files[file],
            !source.document.files.keys.contains(where: { $0.hasSuffix(".vcdiff") }),
            let base = bases.first(where: { $0.document.fingerprints?[file] != nil })
        else { return [:] }
        let name = ImageDocument.squashfsDeltaName(from: base.document.serial)
        let encoder = DeltaEncoder(place: place)
        let delta = place.appending(name)
        let size = base.document.files[file]?.size ?? 0
        try encoder.encode(base.directory.appending(file), source.directory.appending(file), delta, baseSize: size)
        let made = try HashedFile.read(delta)
        guard made.size <= new.size / 2 else { return [:] }
        let result = place.appending("result")
        try encoder.decode(base.directory.appending(file), delta, result)
        guard try HashedFile.read(result).sha256 == new.sha256 else {
            throw RootcellarError(
                .hash,
                "the squashfs delta does not make the new one",
                subject: source.directory.string
            )
        }
        try Disk.remove(result)
        return [name: Addition(path: delta, file: made)]
    }

    /// The files of a base that patches are made from.
    static func wanted(of document: ImageDocument) -> [String: ImageDocument.File] {
        var files: [String: ImageDocument.File] = [:]
        if let tar = compressed(document) { files[tar.name] = tar.file }
        files["rootfs.squashfs"] = document.files["rootfs.squashfs"]
        return files
    }

    /// The compressed tar that is decoded the quickest.
    private static func compressed(_ document: ImageDocument) -> (name: String, file: ImageDocument.File)? {
        for name in ["rootfs.tar.zst", "rootfs.tar.xz"] {
            if let file = document.files[name] { return (name, file) }
        }
        return nil
    }

    /// The plain tar of a build, as a file that has no name any more.
    private func plain(
        _ directory: FilePath,
        _ document: ImageDocument,
        as name: String
    ) throws(RootcellarError) -> FileDescriptor {
        guard let (compressed, _) = Self.compressed(document), let kind = Compression(fileName: compressed) else {
            throw RootcellarError(.repository, "the build has no rootfs", subject: directory.string)
        }
        let input = try Disk.open(directory.appending(compressed))
        defer { try? input.close() }
        let path = place.appending("\(name).tar")
        let plain = try Self.file(path)
        do throws(RootcellarError) {
            try kind.decompress(input, to: plain, limit: document.tar.size)
            let found = try HashedFile.read(path)
            guard found.size == document.tar.size, found.sha256 == document.tar.sha256 else {
                throw RootcellarError(.hash, "the tar is not the one that image.json names")
            }
        } catch {
            try? plain.close()
            let subject = directory.appending(compressed).string
            throw RootcellarError(error.errorClass, error.reason, subject: subject, hint: error.hint)
        }
        try Disk.remove(path)
        return plain
    }

    private static func file(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
        } catch { throw Disk.fault("cannot be made", path, error) }
    }
}
