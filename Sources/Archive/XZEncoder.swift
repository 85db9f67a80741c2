// SPDX-License-Identifier: Apache-2.0

import CArchive
import Glibc
import Model

/// Compresses a stream to one xz stream of independent blocks, through libarchive's xz filter.
///
/// At least two threads are always asked for: liblzma then cuts the input into blocks of a size that depends on the
/// level alone, so any number of threads gives the same bytes; one thread would write a single block instead.
@safe final class XZEncoder {
    private let archive: OpaquePointer
    private let output: HashedFile
    private var failure: RootcellarError?

    init(level: Int, threads: Int, output: HashedFile) throws(RootcellarError) {
        guard let archive = unsafe archive_write_new() else {
            throw RootcellarError(.internal, "libarchive has no memory")
        }
        unsafe self.archive = archive
        self.output = output
        unsafe try check(archive_write_add_filter_xz(archive))
        unsafe try check(archive_write_set_format_raw(archive))
        let options = "xz:compression-level=\(level),xz:threads=\(max(2, threads))"
        unsafe try check(archive_write_set_options(archive, options))
        // No padding of the last record: the file ends where the xz stream ends.
        unsafe try check(archive_write_set_bytes_per_block(archive, 0))
        unsafe try check(archive_write_set_bytes_in_last_block(archive, 1))
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe try check(
            archive_write_open(
                archive,
                context,
                nil,
                { _, context, bytes, count in
                    guard let context = unsafe context else { return -1 }
                    let encoder = unsafe Unmanaged<XZEncoder>.fromOpaque(context).takeUnretainedValue()
                    return unsafe encoder.take(UnsafeRawBufferPointer(start: bytes, count: count))
                },
                nil
            )
        )
        guard let entry = unsafe archive_entry_new() else {
            throw RootcellarError(.internal, "libarchive has no memory")
        }
        defer { unsafe archive_entry_free(entry) }
        unsafe archive_entry_set_filetype(entry, UInt32(Glibc.S_IFREG))
        unsafe try check(archive_write_header(archive, entry))
    }

    deinit { unsafe archive_write_free(archive) }

    func write(_ bytes: RawSpan) throws(RootcellarError) {
        var offset = 0
        while offset < bytes.byteCount {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe archive_write_data(archive, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if written <= 0 { throw reason() }
            offset += written
        }
    }

    func finish() throws(RootcellarError) { unsafe try check(archive_write_close(archive)) }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        do throws(RootcellarError) {
            try output.write(unsafe RawSpan(_unsafeBytes: bytes))
            return bytes.count
        } catch {
            failure = error
            return -1
        }
    }

    private func check(_ result: CInt) throws(RootcellarError) {
        if result != ARCHIVE_OK { throw reason() }
    }

    private func reason() -> RootcellarError {
        if let failure { return failure }
        let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "no detail"
        return RootcellarError(.build, "xz: \(text)")
    }
}
