// SPDX-License-Identifier: Apache-2.0

import CZstd
import Model

/// Compresses a stream to one Zstandard frame.
///
/// At least one worker is always asked for: with workers, libzstd cuts the stream into jobs of a size that depends on
/// the level alone, so any number of threads gives the same bytes; without, it would not (zstd.h, ZSTD_c_nbWorkers).
@safe final class ZstdEncoder {
    private let context: OpaquePointer
    private let output: HashedFile
    private var buffer: [UInt8]

    init(level: Int, threads: Int, output: HashedFile) throws(RootcellarError) {
        guard let context = unsafe ZSTD_createCCtx() else {
            throw RootcellarError(.internal, "libzstd has no memory")
        }
        unsafe self.context = context
        self.output = output
        buffer = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
        try set(ZSTD_c_compressionLevel, level)
        try set(ZSTD_c_checksumFlag, 1)
        try set(ZSTD_c_nbWorkers, max(1, threads))
    }

    deinit { unsafe ZSTD_freeCCtx(context) }

    func write(_ bytes: RawSpan) throws(RootcellarError) { try step(bytes, ZSTD_e_continue) }

    func finish() throws(RootcellarError) { unsafe try step([UInt8]().span.bytes, ZSTD_e_end) }

    private func step(_ bytes: RawSpan, _ directive: ZSTD_EndDirective) throws(RootcellarError) {
        var consumed = 0
        while true {
            var produced = 0
            var remaining = 0
            unsafe bytes.withUnsafeBytes { source in
                unsafe buffer.withUnsafeMutableBytes { target in
                    var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
                    var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    remaining = unsafe ZSTD_compressStream2(context, &output, &input, directive)
                    consumed = unsafe input.pos
                    produced = unsafe output.pos
                }
            }
            try check(remaining)
            try buffer.withPrefix(produced) { piece throws(RootcellarError) in
                if produced > 0 { try output.write(piece) }
            }
            let done = directive == ZSTD_e_end ? remaining == 0 : consumed == bytes.byteCount
            if done { return }
        }
    }

    private func set(_ parameter: ZSTD_cParameter, _ value: Int) throws(RootcellarError) {
        try check(unsafe ZSTD_CCtx_setParameter(context, parameter, CInt(value)))
    }

    private func check(_ result: Int) throws(RootcellarError) {
        guard ZSTD_isError(result) == 0 else {
            throw RootcellarError(.build, "zstd: \(unsafe String(cString: ZSTD_getErrorName(result)))")
        }
    }
}
