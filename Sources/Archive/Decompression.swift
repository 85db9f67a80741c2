// SPDX-License-Identifier: Apache-2.0

import CArchive
import CZstd
package import Model
package import SystemPackage

/// How a stream is compressed.
package enum Compression: String, Sendable, CaseIterable {
    case xz
    case zstd

    /// The compression that the end of a file's name stands for; nil for none.
    package init?(fileName: String) {
        if fileName.hasSuffix(".tar.xz") {
            self = .xz
        } else if fileName.hasSuffix(".tar.zst") {
            self = .zstd
        } else {
            return nil
        }
    }

    /// Decompresses all of `input` to `output`, which may be a pipe that somebody reads at the same time.
    ///
    /// - Parameter limit: the most bytes to write; one more is refused. Nothing bounds them otherwise.
    /// - Throws: `ARCHIVE` for a stream that is broken, cut or longer than `limit`.
    package func decompress(
        _ input: FileDescriptor,
        to output: FileDescriptor,
        limit: Int
    ) throws(RootcellarError) {
        var left = limit
        func write(_ bytes: RawSpan) throws(RootcellarError) {
            guard bytes.byteCount <= left else { throw refuse("more than \(limit) bytes after decompression") }
            left -= bytes.byteCount
            do throws(Errno) {
                try writeAll(output, bytes)
            } catch {
                throw systemError(.archive, "cannot pass the archive on", error, subject: "")
            }
        }
        switch self {
        case .xz: try decompressXZ(input, write)
        case .zstd: try decompressZstd(input, write)
        }
    }
}

/// The most memory that a Zstandard frame may ask for its window: 128 MiB, libzstd's own default limit.
private let zstdWindowLog: CInt = 27

private func decompressZstd(
    _ input: FileDescriptor,
    _ write: (RawSpan) throws(RootcellarError) -> Void
) throws(RootcellarError) {
    guard let context = unsafe ZSTD_createDCtx() else { throw RootcellarError(.internal, "libzstd has no memory") }
    defer { unsafe ZSTD_freeDCtx(context) }
    _ = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, zstdWindowLog)
    var source = [UInt8](repeating: 0, count: 256 << 10)
    var target = [UInt8](repeating: 0, count: 1 << 20)
    var insideFrame = false
    var seen = false
    while true {
        let filled: Int
        do throws(Errno) {
            filled = try readBlock(input, &source)
        } catch {
            throw systemError(.archive, "cannot read the archive", error, subject: "")
        }
        if filled == 0 { break }
        seen = true
        var position = 0
        var outputWasFull = false
        while position < filled || outputWasFull {
            var produced = 0
            var result = 0
            unsafe source.withUnsafeBytes { from in
                unsafe target.withUnsafeMutableBytes { to in
                    var inBuffer = unsafe ZSTD_inBuffer(src: from.baseAddress, size: filled, pos: position)
                    var outBuffer = unsafe ZSTD_outBuffer(dst: to.baseAddress, size: to.count, pos: 0)
                    result = unsafe ZSTD_decompressStream(context, &outBuffer, &inBuffer)
                    position = unsafe inBuffer.pos
                    produced = unsafe outBuffer.pos
                }
            }
            guard ZSTD_isError(result) == 0 else {
                throw refuse("zstd: \(unsafe String(cString: ZSTD_getErrorName(result)))")
            }
            insideFrame = result != 0
            outputWasFull = produced == target.count && insideFrame
            if produced > 0 { try write(unsafe target.span.extracting(first: produced).bytes) }
        }
    }
    guard seen, !insideFrame else { throw refuse("the compressed archive is cut") }
}

private func decompressXZ(
    _ input: FileDescriptor,
    _ write: (RawSpan) throws(RootcellarError) -> Void
) throws(RootcellarError) {
    guard let archive = unsafe archive_read_new() else { throw RootcellarError(.internal, "libarchive has no memory") }
    defer { unsafe archive_read_free(archive) }
    func check(_ result: CInt) throws(RootcellarError) {
        guard result == ARCHIVE_OK else {
            let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "not an xz stream"
            throw refuse("xz: \(text)")
        }
    }
    // Exactly one filter: with all of them, libarchive would try external programs and nested compression.
    unsafe try check(archive_read_support_filter_xz(archive))
    unsafe try check(archive_read_support_format_raw(archive))
    unsafe try check(archive_read_open_fd(archive, input.rawValue, 256 << 10))
    var entry: OpaquePointer?
    unsafe try check(archive_read_next_header(archive, &entry))
    guard unsafe archive_filter_code(archive, 0) == ARCHIVE_FILTER_XZ else { throw refuse("not an xz stream") }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe archive_read_data(archive, $0.baseAddress, $0.count) }
        if count < 0 { try check(CInt(clamping: count)) }
        if count == 0 { return }
        try write(unsafe buffer.span.extracting(first: count).bytes)
    }
}
