// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// A new file whose size, hash and block hashes are known when its last byte is written: nothing is read again.
package final class HashedFile {
    private let path: FilePath
    private let descriptor: FileDescriptor
    private var whole = SHA256Hasher()
    private var block = SHA256Hasher()
    private var blockFill = 0
    private var blocks: [SHA256Digest] = []
    private var size = 0

    /// Creates the file, or empties it.
    ///
    /// - Throws: `BUILD` if it cannot be made.
    package init(_ path: FilePath) throws(RootcellarError) {
        self.path = path
        do {
            descriptor = try .open(
                path,
                .writeOnly,
                options: [.create, .truncate, .closeOnExec],
                permissions: FilePermissions(rawValue: 0o644)
            )
        } catch {
            throw RootcellarError(.build, "cannot make a file: \(error)", subject: path.string)
        }
    }

    deinit { try? descriptor.close() }

    /// Writes the next bytes.
    package func write(_ bytes: RawSpan) throws(RootcellarError) {
        do throws(Errno) {
            try writeAll(descriptor, bytes)
        } catch {
            throw systemError(.build, "cannot write", error, subject: path.string)
        }
        whole.update(bytes)
        size += bytes.byteCount
        var rest = bytes
        while rest.byteCount > 0 {
            let count = min(rest.byteCount, ImageDocument.blockSize - blockFill)
            block.update(rest.extracting(first: count))
            rest = rest.extracting(droppingFirst: count)
            blockFill += count
            if blockFill == ImageDocument.blockSize { endBlock() }
        }
    }

    /// Figures of everything written.
    package func finish() -> ImageDocument.File {
        if blockFill > 0 { endBlock() }
        return ImageDocument.File(size: size, sha256: whole.finish(), blocks: blocks)
    }

    private func endBlock() {
        blocks.append(block.finish())
        block = SHA256Hasher()
        blockFill = 0
    }

    /// Hashes a file that somebody else wrote.
    ///
    /// - Throws: `BUILD` if it cannot be read.
    package static func read(_ path: FilePath) throws(RootcellarError) -> ImageDocument.File {
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
            defer { try? descriptor.close() }
            var whole = SHA256Hasher()
            var blocks: [SHA256Digest] = []
            var size = 0
            var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
            while true {
                let count = try readBlock(descriptor, &buffer)
                if count == 0 { break }
                let bytes = buffer.span.extracting(first: count)
                unsafe whole.update(bytes.bytes)
                unsafe blocks.append(SHA256Digest(hashing: bytes.bytes))
                size += count
                if count < buffer.count { break }
            }
            return ImageDocument.File(size: size, sha256: whole.finish(), blocks: blocks)
        } catch {
            throw RootcellarError(.build, "cannot read a file: \(error)", subject: path.string)
        }
    }
}

/// Reads until `buffer` is full or the file ends.
package func readBlock(_ descriptor: FileDescriptor, _ buffer: inout [UInt8]) throws(Errno) -> Int {
    var filled = 0
    while filled < buffer.count {
        var failure: Errno?
        let count = unsafe buffer.withUnsafeMutableBytes { all -> Int in
            do throws(Errno) {
                return try unsafe readSome(descriptor, UnsafeMutableRawBufferPointer(rebasing: all[filled...]))
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        if count == 0 { break }
        filled += count
    }
    return filled
}
