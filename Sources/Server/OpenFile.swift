// SPDX-License-Identifier: Apache-2.0

import Model
import NIOCore
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// An open file with the status it had when it was opened. It goes on naming the same bytes when another file is
/// renamed over it, so that a running download always ends with the bytes it began with.
final class OpenFile: Sendable {
    let status: FileStatus
    private let descriptor: CInt

    /// Takes ownership of `descriptor`, which is closed here even if this fails; nil with `errno` set.
    init?(_ descriptor: CInt) {
        guard let status = FileStatus(descriptor: descriptor) else {
            let error = errno
            Glibc.close(descriptor)
            errno = error
            return nil
        }
        self.status = status
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// Reads exactly `count` bytes from `offset` on. Blocks.
    ///
    /// - Throws: `Errno`; EIO if the file has become shorter. The response has promised a length by then, and breaking
    ///   the connection is the only way left to tell the client.
    func read(_ count: Int, at offset: Int64, into buffer: inout ByteBuffer) throws(Errno) {
        var done = 0
        while done < count {
            var failure: Errno?
            let position = off_t(offset) + done
            let wanted = count - done
            let got = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                let got = unsafe pread(descriptor, space.baseAddress, min(wanted, space.count), position)
                if got < 0 { failure = Errno(rawValue: errno) }
                return max(got, 0)
            }
            if let failure {
                if failure == .interrupted { continue }
                throw failure
            }
            guard got > 0 else { throw .ioError }
            done += got
        }
    }

    /// All bytes of a small file. Blocks.
    func bytes() throws(Errno) -> [UInt8] {
        var buffer = ByteBufferAllocator().buffer(capacity: Int(status.size))
        try read(Int(status.size), at: 0, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    /// Tells the kernel that the file will be read in order, so that it reads further ahead (posix_fadvise(2)).
    func expectSequentialReads() {
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }
}
