// SPDX-License-Identifier: Apache-2.0

import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A piece of an open file on its way out, read while it is sent: memory does not grow with it.
final class FilePiece {
    let descriptor: Int32
    let start: Int
    let count: Int
    private var position = 0

    init(descriptor: Int32, start: Int, count: Int) {
        self.descriptor = descriptor
        self.start = start
        self.count = count
    }

    /// The next bytes.
    ///
    /// - Returns: how many; 0 at the end, nil if the file cannot be read or has become shorter.
    func read(into room: UnsafeMutableRawBufferPointer) -> Int? {
        let wanted = min(room.count, count - position)
        guard wanted > 0 else { return 0 }
        let got = unsafe pread(descriptor, room.baseAddress, wanted, off_t(start + position))
        guard got > 0 else { return nil }
        position += got
        return got
    }

    func seek(to offset: Int) -> Bool {
        guard (0...count).contains(offset) else { return false }
        position = offset
        return true
    }

    /// The hash of the piece, which the store compares with what arrives.
    ///
    /// - Throws: `REPOSITORY` if the file cannot be read, or has become shorter.
    func digest(subject: String) throws(RootcellarError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        var buffer = [UInt8](repeating: 0, count: min(max(count, 1), 1 << 20))
        _ = seek(to: 0)
        defer { _ = seek(to: 0) }
        while position < count {
            guard let got = unsafe buffer.withUnsafeMutableBytes({ unsafe read(into: $0) }), got > 0 else {
                throw RootcellarError(.repository, "cannot be read, or has become shorter", subject: subject)
            }
            hasher.update(unsafe buffer.span.bytes.extracting(first: got))
        }
        return hasher.finish()
    }
}
