// SPDX-License-Identifier: Apache-2.0

import CGPGME
import Model
import SystemPackage

/// Bytes that gpgme reads or writes.
@safe
final class EngineData {
    let raw: gpgme_data_t
    // gpgme reads from the memory in place.
    private let memory: UnsafeMutableRawBufferPointer?

    /// Bytes to be read by gpgme.
    init(_ bytes: [UInt8]) throws(RootcellarError) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        unsafe memory.copyBytes(from: bytes)
        var data: gpgme_data_t?
        let code = unsafe gpgme_data_new_from_mem(
            &data,
            memory.baseAddress?.assumingMemoryBound(to: CChar.self),
            bytes.count,
            0
        )
        guard let data = unsafe data else {
            unsafe memory.deallocate()
            throw RootcellarError(.internal, "gpgme has no memory (\(errorText(code)))")
        }
        unsafe self.memory = unsafe memory
        unsafe raw = data
        useBigBuffers()
    }

    /// An open file, read from where it stands.
    init(_ file: FileDescriptor) throws(RootcellarError) {
        var data: gpgme_data_t?
        let code = unsafe gpgme_data_new_from_fd(&data, file.rawValue)
        guard let data = unsafe data else {
            throw RootcellarError(.internal, "gpgme has no memory (\(errorText(code)))")
        }
        unsafe memory = nil
        unsafe raw = data
        useBigBuffers()
    }

    /// An empty buffer for gpgme to write into.
    init() throws(RootcellarError) {
        var data: gpgme_data_t?
        let code = unsafe gpgme_data_new(&data)
        guard let data = unsafe data else {
            throw RootcellarError(.internal, "gpgme has no memory (\(errorText(code)))")
        }
        unsafe memory = nil
        unsafe raw = data
        useBigBuffers()
    }

    /// By default gpgme moves some hundred bytes at a time. A version that does not know the flag goes on so.
    private func useBigBuffers() { _ = unsafe gpgme_data_set_flag(raw, "io-buffer-size", "262144") }

    /// What was written so far.
    func bytes() -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        guard unsafe gpgme_data_seek(raw, 0, SEEK_SET) == 0 else { return [] }
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe gpgme_data_read(raw, $0.baseAddress, $0.count) }
            if count <= 0 { return result }
            result += buffer.prefix(count)
        }
    }

    deinit {
        unsafe gpgme_data_release(raw)
        unsafe memory?.deallocate()
    }
}
