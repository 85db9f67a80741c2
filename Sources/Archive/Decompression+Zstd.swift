// SPDX-License-Identifier: Apache-2.0

import CZstd
import Model
import SystemPackage

/// The most memory that a Zstandard frame may ask for its window: 128 MiB, libzstd's own default limit.
private let zstdWindowLog: CInt = 27

/// Decompresses Zstandard frames.
func decompressZstd(_ input: FileDescriptor, _ write: DecompressedSink) throws(RootcellarError) {
    guard let context = unsafe ZSTD_createDCtx() else { throw RootcellarError(.internal, "libzstd has no memory") }
    defer { unsafe ZSTD_freeDCtx(context) }
    _ = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, zstdWindowLog)
    var source = [UInt8](repeating: 0, count: 256 << 10)
    var target = [UInt8](repeating: 0, count: 1 << 20)
    var insideFrame = false
    var consumed = 0
    while true {
        let filled = try readCompressed(input, &source)
        if filled == 0 { break }
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
            let piece = target.span.extracting(first: produced)
            if produced > 0 { try write(unsafe piece.bytes, consumed + position) }
        }
        consumed += filled
    }
    guard consumed > 0, !insideFrame else { throw refuse("the compressed archive is cut") }
}
