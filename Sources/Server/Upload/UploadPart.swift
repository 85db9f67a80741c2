// SPDX-License-Identifier: Apache-2.0

import Archive
import HTTPTypes
import Model
import NIOCore
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A file of an upload that is being received: whatever has arrived stays, and nothing beyond the declared size is taken.
/// One connection at a time, by a lock that ends with its holder. Everything here blocks.
///
/// Sendable because it goes from one call on a thread of the pool to the next, and never is in two.
final class UploadPart: @unchecked Sendable {
    let path: FilePath
    let id: SHA256Digest
    let file: String
    private(set) var size: Int
    private let reference: FileReference
    private let descriptor: SystemPackage.FileDescriptor
    /// Where this request began, and the hash of what it has brought.
    private let start: Int
    private var hasher = SHA256Hasher()

    var isWhole: Bool { size == reference.size }

    /// Opens or makes the file.
    init(_ path: FilePath, _ reference: FileReference, id: SHA256Digest, file: String) throws(UploadRefusal) {
        (self.path, self.reference, self.id, self.file) = (path, reference, id, file)
        do throws(Errno) {
            descriptor = try openPath(
                path,
                .readWrite,
                [.create, .append, .noFollow],
                permissions: FilePermissions(rawValue: 0o640)
            )
        } catch { throw .failure(error) }
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            descriptor.closeQuietly()
            // Not a conflict: once the server has seen that the other one is gone, the same request succeeds.
            throw UploadRefusal(.serviceUnavailable, "another connection is sending this file", isAudited: false)
        }
        guard let status = FileStatus(descriptor: descriptor.rawValue) else {
            let error = Errno(rawValue: errno)
            descriptor.closeQuietly()
            throw .failure(error)
        }
        size = Int(status.size)
        start = size
    }

    deinit { descriptor.closeQuietly() }

    /// Takes the next bytes.
    ///
    /// - Throws: 413 if there are more than were declared; nothing of them is kept.
    func write(_ buffer: ByteBuffer) throws(UploadRefusal) {
        guard buffer.readableBytes <= reference.size - size else {
            throw UploadRefusal(.contentTooLarge, "more than the \(reference.size) bytes that were declared")
        }
        let bytes = Array(buffer.readableBytesView)
        do throws(Errno) {
            unsafe try writeAll(descriptor, bytes.span.bytes)
        } catch {
            // What a full disk has cut is there all the same; the client asks how much.
            throw .failure(error)
        }
        unsafe hasher.update(bytes.span.bytes)
        size += bytes.count
    }

    /// Ends the request: what has come is on the disk, and a whole file has the declared hash.
    ///
    /// - Parameter digest: what the client says of the bytes of this request.
    /// - Throws: 422 if a hash is another; the bytes of the request, or of the whole file, are gone then.
    func end(digest: SHA256Digest?) throws(UploadRefusal) {
        if let digest, digest != hasher.finish() {
            try truncate(to: start)
            throw UploadRefusal(
                .unprocessableContent,
                "the bytes do not have the digest they were sent with",
                offset: start
            )
        }
        do throws(Errno) {
            guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
        } catch { throw .failure(error) }
        guard isWhole else { return }
        guard try wholeHash() == reference.sha256 else {
            try truncate(to: 0)
            throw UploadRefusal(.unprocessableContent, "the file does not have the hash that was declared", offset: 0)
        }
    }

    private func wholeHash() throws(UploadRefusal) -> SHA256Digest {
        if start == 0 { return hasher.finish() }
        var whole = SHA256Hasher()
        var position = 0
        do throws(Errno) {
            while position < size {
                let bytes = try readAt(descriptor, position, min(1 << 20, size - position))
                guard !bytes.isEmpty else { throw Errno.ioError }
                unsafe whole.update(bytes.span.bytes)
                position += bytes.count
            }
        } catch { throw .failure(error) }
        return whole.finish()
    }

    private func truncate(to length: Int) throws(UploadRefusal) {
        guard ftruncate(descriptor.rawValue, off_t(length)) == 0 else { throw .failure(Errno(rawValue: errno)) }
        size = length
    }
}
