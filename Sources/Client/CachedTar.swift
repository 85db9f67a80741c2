// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// The uncompressed tar of a build in the cache, where an update has left it: what the next creation unpacks without
/// decompressing anything, and what the next update begins with.
struct CachedTar {
    private let path: FilePath
    private let tar: ImageDocument.Tar
    private let file: FileDescriptor
    private let blocks: [SHA256Digest]

    /// The tar, if it is in the cache.
    ///
    /// - Parameter blocks: the hashes of its blocks as this machine has noted them; without them, or if they do not fit,
    ///   the tar is read once more to make them.
    /// - Throws: `CACHE` if it is there and cannot be read, or is no longer what its name says.
    init?(_ tar: ImageDocument.Tar, _ layout: CacheLayout, blocks: [SHA256Digest]?) throws(RootcellarError) {
        self.tar = tar
        path = layout.object(tar.sha256)
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw RootcellarError(.cache, "cannot open: \(error)", subject: layout.object(tar.sha256).string)
        }
        let needed = (tar.size + ImageDocument.blockSize - 1) / ImageDocument.blockSize
        if let blocks, blocks.count == needed {
            self.blocks = blocks
            return
        }
        do throws(RootcellarError) {
            let figures = try HashedFile.read(path)
            guard figures.size == tar.size, figures.sha256 == tar.sha256 else { throw Self.damaged(path) }
            self.blocks = figures.blocks ?? []
        } catch {
            try? file.close()
            throw RootcellarError(.cache, error.reason, subject: error.subject)
        }
    }

    /// The hashes of the blocks.
    var blockHashes: [SHA256Digest] { blocks }

    /// Gives the whole tar to `sink`, each block when its hash is right; at the end, the signed hash of the whole is.
    ///
    /// - Throws: `CACHE` for a tar that has changed, which `sink` may have seen the good beginning of; what `sink`
    ///   throws.
    func run(_ sink: (RawSpan) throws(RootcellarError) -> Void) throws(RootcellarError) {
        var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
        var whole = SHA256Hasher()
        var left = tar.size
        for block in blocks {
            let count: Int
            do throws(Errno) {
                count = try readBlock(file, &buffer)
            } catch {
                throw systemError(.cache, "cannot read the cache", error, subject: path.string)
            }
            guard count == min(left, ImageDocument.blockSize) else { throw Self.damaged(path) }
            let piece = buffer.span.extracting(first: count)
            let bytes = unsafe piece.bytes
            guard SHA256Digest(hashing: bytes) == block else { throw Self.damaged(path) }
            whole.update(bytes)
            left -= count
            // The last one is kept back until the whole is known to be right.
            if left == 0 { guard whole.finish() == tar.sha256 else { throw Self.damaged(path) } }
            try sink(bytes)
        }
        guard left == 0 else { throw Self.damaged(path) }
    }

    /// Closes the file.
    func close() { try? file.close() }

    private static func damaged(_ path: FilePath) -> RootcellarError {
        RootcellarError(.cache, "the tar in the cache is not what its name says", subject: path.string)
    }
}
