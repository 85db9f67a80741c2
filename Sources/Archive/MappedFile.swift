// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// A whole file in the address space: the kernel reads and writes its pages as they are needed, so that even a big one
/// takes no memory that could not be had back.
@safe final class MappedFile {
    /// Bytes.
    let count: Int
    private let base: UnsafeMutableRawPointer?

    /// Maps the first `count` bytes of a file, which must have them. Changes of a writable one go to the file.
    init(_ file: FileDescriptor, count: Int, writable: Bool = false) throws(Errno) {
        self.count = count
        guard count > 0 else {
            unsafe base = nil
            return
        }
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        guard let mapped = unsafe mmap(nil, count, protection, MAP_SHARED, file.rawValue, 0),
            unsafe mapped != UnsafeMutableRawPointer(bitPattern: -1)
        else { throw Errno(rawValue: errno) }
        unsafe base = mapped
    }

    deinit { if let base = unsafe base { unsafe munmap(base, count) } }

    /// The content.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    /// The content, to be changed.
    var mutableBytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
    }
}
