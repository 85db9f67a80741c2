// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// Size, SHA-256 and block hashes of an open file, read once from front to back.
struct FileHash {
    let size: Int
    let sha256: SHA256Digest
    let blocks: [SHA256Digest]

    /// - Parameters:
    ///   - expected: what an image document says; reading stops where there is more, and blocks are hashed where it
    ///     has their hashes.
    /// - Throws: `REPOSITORY` if it cannot be read.
    init(of file: FileDescriptor, expected: ImageDocument.File, path: FilePath) throws(RootcellarError) {
        var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
        var whole = SHA256Hasher()
        var size = 0
        var blocks: [SHA256Digest] = []
        while size <= expected.size {
            var filled = 0
            while filled < buffer.count {
                let count: Int
                do {
                    count = try unsafe buffer.withUnsafeMutableBytes { bytes in
                        try unsafe file.read(
                            fromAbsoluteOffset: Int64(size + filled),
                            into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
                        )
                    }
                } catch { throw Disk.fault("cannot be read", path, error) }
                if count == 0 { break }
                filled += count
            }
            if filled == 0 { break }
            var block = SHA256Hasher()
            let countsBlocks = expected.blocks != nil
            unsafe buffer.withUnsafeBytes { bytes in
                let part = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[..<filled]))
                whole.update(part)
                if countsBlocks { block.update(part) }
            }
            size += filled
            if countsBlocks { blocks.append(block.finish()) }
            if filled < buffer.count { break }
        }
        sha256 = whole.finish()
        self.size = size
        self.blocks = blocks
    }

    /// Checks that these are the bytes that an image document names.
    ///
    /// - Throws: `SIZE` or `HASH`.
    func check(_ expected: ImageDocument.File, subject: String) throws(RootcellarError) {
        guard size == expected.size else {
            throw RootcellarError(
                .size,
                "\(size > expected.size ? "more than" : "\(size) bytes instead of") \(expected.size) bytes",
                subject: subject
            )
        }
        guard sha256 == expected.sha256 else {
            throw RootcellarError(
                .hash,
                "SHA-256 is \(sha256), image.json says \(expected.sha256)",
                subject: subject
            )
        }
        if let wanted = expected.blocks, let bad = zip(wanted, blocks).enumerated().first(where: { $1.0 != $1.1 }) {
            throw RootcellarError(.hash, "block \(bad.offset) does not have the hash in image.json", subject: subject)
        }
    }
}
