// SPDX-License-Identifier: Apache-2.0

import CZlib
import Model
import SystemPackage

/// Decompresses a gzip file of one or more members, by zlib itself: libarchive does not look at the checksums.
func decompressGzip(_ input: FileDescriptor, _ write: DecompressedSink) throws(RootcellarError) {
    var stream = unsafe z_stream()
    guard unsafe czlib_begin_gzip(&stream) == Z_OK else { throw RootcellarError(.internal, "zlib has no memory") }
    defer { unsafe inflateEnd(&stream) }
    var source = [UInt8](repeating: 0, count: 256 << 10)
    var target = [UInt8](repeating: 0, count: 1 << 20)
    var insideMember = false
    var consumed = 0
    while true {
        let filled = try readCompressed(input, &source)
        if filled == 0 { break }
        var position = 0
        var outputWasFull = false
        while position < filled || outputWasFull {
            var result = Z_OK
            var produced = 0
            if !insideMember { unsafe inflateReset(&stream) }
            unsafe source.withUnsafeMutableBytes { from in
                unsafe target.withUnsafeMutableBytes { to in
                    unsafe stream.next_in = from.baseAddress?.assumingMemoryBound(to: Bytef.self).advanced(by: position)
                    unsafe stream.avail_in = uInt(filled - position)
                    unsafe stream.next_out = to.baseAddress?.assumingMemoryBound(to: Bytef.self)
                    unsafe stream.avail_out = uInt(to.count)
                    result = unsafe inflate(&stream, Z_NO_FLUSH)
                    position = filled - Int(unsafe stream.avail_in)
                    produced = to.count - Int(unsafe stream.avail_out)
                }
            }
            guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
                throw refuse("gzip: \(unsafe stream.msg.map { unsafe String(cString: $0) } ?? "broken (\(result))")")
            }
            insideMember = result != Z_STREAM_END
            outputWasFull = produced == target.count && insideMember
            let piece = target.span.extracting(first: produced)
            if produced > 0 { try write(unsafe piece.bytes, consumed + position) }
        }
        consumed += filled
    }
    guard consumed > 0, !insideMember else { throw refuse("the compressed archive is cut") }
}
