// SPDX-License-Identifier: Apache-2.0

import CZstd
import Glibc
package import Model
package import SystemPackage

/// Patches between two uncompressed tars: one Zstandard frame of the new one, with all of the old one as its prefix. The
/// same files as those of `zstd --patch-from` (zstd(1)), so that stock zstd can apply and make them as well.
///
/// Every file involved is mapped, the result too: libzstd then decodes straight into it and needs no window of its own,
/// and memory does not grow with the image.
package enum TarPatch {
    /// The most bytes that either tar may have: what the longest window of Zstandard reaches over.
    package static let sizeLimit = (1 << 31) - 1

    /// Writes the patch that makes `new` of `base`. Takes memory for the search: a few hundred megabytes.
    ///
    /// - Parameters:
    ///   - patch: an empty file, open for reading and writing.
    ///   - level: of compression.
    /// - Returns: the size of the patch.
    /// - Throws: `SIZE` for a tar over `sizeLimit`, `REPOSITORY` for files that cannot be read or written.
    @discardableResult
    package static func make(
        base: FileDescriptor,
        new: FileDescriptor,
        patch: FileDescriptor,
        level: Int = 19
    ) throws(RootcellarError) -> Int {
        let old = try map(base, "the old tar", .repository)
        let content = try map(new, "the new tar", .repository)
        guard let context = unsafe ZSTD_createCCtx() else { throw RootcellarError(.internal, "libzstd has no memory") }
        defer { unsafe ZSTD_freeCCtx(context) }
        func set(_ parameter: ZSTD_cParameter, _ value: Int) throws(RootcellarError) {
            try check(unsafe ZSTD_CCtx_setParameter(context, parameter, CInt(value)), .internal)
        }
        try set(ZSTD_c_compressionLevel, level)
        try set(ZSTD_c_checksumFlag, 1)
        // As long as the longer of both, so that the beginning of the old one is still in reach at the end of the new.
        try set(ZSTD_c_windowLog, max(20, Int.bitWidth - max(old.count, content.count).leadingZeroBitCount))
        try set(ZSTD_c_enableLongDistanceMatching, 1)
        unsafe try check(ZSTD_CCtx_refPrefix(context, old.bytes.baseAddress, old.count), .internal)
        let bound = ZSTD_compressBound(content.count)
        let size: Int
        do throws(Errno) {
            // Sparse: only what is written takes space.
            try resize(patch, to: bound)
            let target = try MappedFile(patch, count: bound, writable: true)
            size = unsafe ZSTD_compress2(
                context,
                target.mutableBytes.baseAddress,
                bound,
                content.bytes.baseAddress,
                content.count
            )
        } catch {
            throw systemError(.repository, "cannot write the patch", error, subject: "")
        }
        try check(size, .internal)
        do throws(Errno) {
            try resize(patch, to: size)
        } catch {
            throw systemError(.repository, "cannot write the patch", error, subject: "")
        }
        return size
    }

    /// Fills `output` with what the patch makes of `base`. Nothing says yet that this is the right tar: its hash does.
    ///
    /// - Parameter output: a file that has its final size already (see `reserve`), open for reading and writing.
    /// - Throws: `ARCHIVE` for a patch that is broken, cut, followed by something, or for another size or base.
    package static func apply(
        base: FileDescriptor,
        patch: FileDescriptor,
        output: FileDescriptor
    ) throws(RootcellarError) {
        let old = try map(base, "the old tar", .archive)
        let source = try map(patch, "the patch", .archive)
        let size = try declaredSize(source)
        guard try sizeOf(output, "the new tar", .archive) == size else {
            throw refuse("the patch makes \(size) bytes, which is not the size of the new tar")
        }
        let target: MappedFile
        do throws(Errno) {
            target = try MappedFile(output, count: size, writable: true)
        } catch {
            throw systemError(.archive, "cannot map the new tar", error, subject: "")
        }
        guard let context = unsafe ZSTD_createDCtx() else { throw RootcellarError(.internal, "libzstd has no memory") }
        defer { unsafe ZSTD_freeDCtx(context) }
        unsafe try check(ZSTD_DCtx_refPrefix(context, old.bytes.baseAddress, old.count), .internal)
        let made = unsafe ZSTD_decompressDCtx(
            context,
            target.mutableBytes.baseAddress,
            size,
            source.bytes.baseAddress,
            source.count
        )
        try check(made, .archive)
        guard made == size else { throw refuse("the patch makes \(made) bytes where it says \(size)") }
    }

    /// The size of the tar that a patch says it makes.
    ///
    /// - Throws: `ARCHIVE` for something that is not exactly one Zstandard frame, or names no size.
    package static func declaredSize(of patch: FileDescriptor) throws(RootcellarError) -> Int {
        try declaredSize(try map(patch, "the patch", .archive))
    }

    /// Gives an empty file its size and the space for it: a mapped file has no way to say that the disk is full.
    package static func reserve(_ file: FileDescriptor, size: Int) throws(Errno) {
        let result = posix_fallocate(file.rawValue, 0, Int(size))
        switch result {
        case 0: return
        case EINVAL where size == 0: return
        // A file system that cannot reserve.
        case EOPNOTSUPP, EINVAL: try resize(file, to: size)
        default: throw Errno(rawValue: result)
        }
    }

    private static func declaredSize(_ patch: MappedFile) throws(RootcellarError) -> Int {
        // Exactly one frame: a second one, or a skippable one, is something that no publisher of ours makes.
        let frame = unsafe ZSTD_findFrameCompressedSize(patch.bytes.baseAddress, patch.count)
        try check(frame, .archive)
        guard frame == patch.count else { throw refuse("there is something after the end of the patch") }
        let size = unsafe ZSTD_getFrameContentSize(patch.bytes.baseAddress, patch.count)
        // 2^64-1 and 2^64-2 stand for "unknown" and "error" (zstd.h).
        guard size <= UInt64(sizeLimit) else { throw refuse("the patch names no size, or one over \(sizeLimit) bytes") }
        return Int(size)
    }

    private static func map(
        _ file: FileDescriptor,
        _ what: String,
        _ errorClass: ErrorClass
    ) throws(RootcellarError) -> MappedFile {
        let size = try sizeOf(file, what, errorClass)
        guard size <= sizeLimit else {
            throw RootcellarError(.size, "\(what) has \(size) bytes; patches reach over \(sizeLimit)")
        }
        do throws(Errno) {
            return try MappedFile(file, count: size)
        } catch {
            throw systemError(errorClass, "cannot map \(what)", error, subject: "")
        }
    }

    private static func sizeOf(
        _ file: FileDescriptor,
        _ what: String,
        _ errorClass: ErrorClass
    ) throws(RootcellarError) -> Int {
        do throws(Errno) {
            let status = try file.status()
            if status.kind == .file { return status.size }
        } catch {
            throw systemError(errorClass, "cannot read \(what)", error, subject: "")
        }
        throw RootcellarError(errorClass, "\(what) is not a file")
    }

    private static func resize(_ file: FileDescriptor, to size: Int) throws(Errno) {
        _ = try retrying { ftruncate(file.rawValue, Int(size)) }
    }

    private static func check(_ result: Int, _ errorClass: ErrorClass) throws(RootcellarError) {
        guard ZSTD_isError(result) == 0 else {
            throw RootcellarError(errorClass, "zstd: \(unsafe String(cString: ZSTD_getErrorName(result)))")
        }
    }
}
