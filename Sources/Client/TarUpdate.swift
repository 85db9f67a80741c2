// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Makes the tar of a build of that of an older one, which the cache holds, and a patch, which is a fraction of the
/// rootfs: what a nightly build costs a machine that has yesterday's.
///
/// Nothing here is trusted: whatever a patch makes is thrown away unless its hash is the signed one of the tar. So every
/// failure means only that the whole rootfs has to be fetched.
struct TarUpdate {
    /// Bytes of the patch.
    var size: Int { patch.size }

    private let trusted: TrustedServer
    private let mirrors: Mirrors
    private let layout: CacheLayout
    private let build: Catalogue.Build
    private let base: ImageDocument
    private let patchName: String
    private let patch: ImageDocument.File

    private static let compressedNames = ["rootfs.tar.zst", "rootfs.tar.xz"]

    /// The update to `build` from what the cache holds of the image; nil if there is no such patch, no such base, or
    /// nothing to be gained.
    ///
    /// - Parameter limit: the size of what would be fetched instead.
    init?(_ build: Catalogue.Build, _ trusted: TrustedServer, _ layout: CacheLayout, smallerThan limit: Int) {
        guard let mirrors = trusted.mirrors, let record = try? layout.readRecord(of: build.name),
            record.server == trusted.root.server, record.serial < build.serial
        else { return nil }
        self.trusted = trusted
        self.mirrors = mirrors
        self.layout = layout
        self.build = build
        patchName = ImageDocument.patchName(from: record.serial)
        guard var patch = try? build.document.file(patchName, subject: ""), patch.size < limit else { return nil }
        // A file of one block is its own block.
        if patch.blocks == nil, patch.size <= ImageDocument.blockSize { patch.blocks = [patch.sha256] }
        self.patch = patch
        guard let bytes = try? ObjectStore(layout).read(record.image),
            let base = try? ImageDocument(verified: bytes, subject: ""), base.serial == record.serial,
            max(base.tar.size, build.document.tar.size) <= TarPatch.sizeLimit,
            min(base.tar.size, build.document.tar.size) >= 0
        else { return nil }
        self.base = base
        let candidates = [base.tar.sha256] + Self.compressedNames.compactMap { base.files[$0]?.sha256 }
        guard candidates.contains(where: { Self.isThere($0, layout) }) else { return nil }
    }

    /// Does it: afterwards the tar of the build is in the cache.
    ///
    /// - Parameter onWait: called with a name for another process that is at it; when it is done, its tar is there.
    /// - Returns: the hashes of the tar's blocks; nil if another process has made it.
    /// - Throws: any class. The cache is as it was.
    func run(onWait: (String) -> Void) throws(RootcellarError) -> [SHA256Digest]? {
        let tar = build.document.tar
        let lock = try FileLock(layout.lock(of: tar.sha256), of: layout, onWait: onWait)
        defer { withExtendedLifetime(lock) {} }
        if Self.isThere(tar.sha256, layout) { return nil }
        let path = TreePath.file(build.name, build.serial, patchName)
        // Of no use once it is applied, and none either if it cannot be.
        defer { removeFile(layout.object(patch.sha256)) }
        let stream = try VerifiedStream(trusted, layout: layout, path: path, file: patch)
        try mirrors.forgiving { () throws(RootcellarError) in
            _ = try stream.run(onWait: { _ in }) { _ throws(RootcellarError) in }
        }
        guard let patchFile = Self.open(patch.sha256, layout) else {
            throw RootcellarError(.cache, "the patch is not in the cache", subject: path)
        }
        defer { try? patchFile.close() }
        try layout.makeDirectory(layout.partials)
        try layout.makeDirectory(layout.objects)
        let oldTar = try openBase()
        defer { try? oldTar.close() }
        let partial = layout.partial(tar.sha256)
        do throws(RootcellarError) {
            let blocks = try apply(patchFile, to: oldTar, partial)
            do throws(Errno) {
                try rename(partial, to: layout.object(tar.sha256))
            } catch {
                throw systemError(.cache, "cannot keep a file", error, subject: partial.string)
            }
            return blocks
        } catch {
            removeFile(partial)
            throw error
        }
    }

    private func apply(
        _ patchFile: FileDescriptor,
        to oldTar: FileDescriptor,
        _ partial: FilePath
    ) throws(RootcellarError) -> [SHA256Digest]? {
        let tar = build.document.tar
        let output = try create(partial)
        defer { try? output.close() }
        do throws(Errno) {
            try TarPatch.reserve(output, size: tar.size)
        } catch {
            throw systemError(.cache, "cannot make room for the new tar", error, subject: partial.string)
        }
        try UnpackPipeline.run(
            ["patch", String(base.tar.size + tar.size)],
            input: patchFile,
            output: output,
            more: [oldTar]
        )
        let made = try HashedFile.read(partial)
        guard made.size == tar.size, made.sha256 == tar.sha256 else {
            throw RootcellarError(.hash, "what the patch makes is not the signed tar", subject: patchName)
        }
        return made.blocks
    }

    /// The old tar: as it is, or decompressed into a file without a name, which ends with this process.
    private func openBase() throws(RootcellarError) -> FileDescriptor {
        if let plain = Self.open(base.tar.sha256, layout) { return plain }
        for name in Self.compressedNames {
            guard let file = try? base.file(name, subject: ""), let blocks = file.blocks,
                let compression = Compression(fileName: name), let compressed = Self.open(file.sha256, layout)
            else { continue }
            defer { try? compressed.close() }
            let path = layout.partial(base.tar.sha256)
            let plain = try create(path)
            removeFile(path)
            do throws(RootcellarError) {
                try UnpackPipeline.run(
                    ["decode", compression.rawValue, String(base.tar.size)],
                    output: plain
                ) { pipe throws(RootcellarError) in
                    var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
                    for block in blocks { try Self.pass(compressed, &buffer, block, to: pipe) }
                }
                return plain
            } catch {
                try? plain.close()
                throw error
            }
        }
        throw RootcellarError(.cache, "the older build is no longer in the cache", subject: build.name.path)
    }

    private static func pass(
        _ file: FileDescriptor,
        _ buffer: inout [UInt8],
        _ block: SHA256Digest,
        to pipe: FileDescriptor
    ) throws(RootcellarError) {
        let count: Int
        do throws(Errno) {
            count = try readBlock(file, &buffer)
        } catch {
            throw systemError(.cache, "cannot read the cache", error, subject: "")
        }
        let piece = buffer.span.extracting(first: count)
        let bytes = unsafe piece.bytes
        guard SHA256Digest(hashing: bytes) == block else {
            throw RootcellarError(.cache, "the older build in the cache is damaged")
        }
        do throws(Errno) {
            try writeAll(pipe, bytes)
        } catch {
            throw systemError(.cache, "cannot decompress the older build", error, subject: "")
        }
    }

    private static func open(_ digest: SHA256Digest, _ layout: CacheLayout) -> FileDescriptor? {
        guard
            let file = try? FileDescriptor.open(
                layout.object(digest),
                .readOnly,
                options: [.closeOnExec, .noFollow, .nonBlocking]
            )
        else { return nil }
        if (try? file.status().kind) == .file { return file }
        try? file.close()
        return nil
    }

    private static func isThere(_ digest: SHA256Digest, _ layout: CacheLayout) -> Bool {
        guard let file = open(digest, layout) else { return false }
        try? file.close()
        return true
    }

    /// A new file for reading and writing. One that is there is left to whoever may still have it open.
    private func create(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        removeFile(path)
        do {
            let file = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
            CacheOwners.current.adopt(file, in: layout.partials)
            return file
        } catch {
            throw RootcellarError(.cache, "cannot make a file: \(error)", subject: path.string)
        }
    }
}
