// SPDX-License-Identifier: Apache-2.0

import CArchive
import Model
import SystemPackage

/// Decompresses an xz file, by libarchive.
func decompressXZ(_ input: FileDescriptor, _ write: DecompressedSink) throws(RootcellarError) {
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
        // Of the last filter, counted from the outside: what was read of the file.
        let consumed = unsafe archive_filter_bytes(archive, -1)
        let piece = buffer.span.extracting(first: count)
        try write(unsafe piece.bytes, Int(consumed))
    }
}
