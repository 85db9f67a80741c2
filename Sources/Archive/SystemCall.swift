// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage

/// Repeats a system call that a signal interrupted, and turns its failure into an error number.
///
/// `errno` is read in the very next statement, before anything can change it.
func retrying(_ call: () -> CInt) throws(Errno) -> CInt {
    while true {
        let result = call()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw Errno(rawValue: code) }
    }
}

/// A system call on a named object failed.
package func systemError(
    _ errorClass: ErrorClass,
    _ what: String,
    _ errno: Errno,
    subject: String
) -> RootcellarError {
    let hint: String? =
        switch errno {
        case .noSpace: "free some space on that file system"
        case .readOnlyFileSystem: "the file system is mounted read-only"
        default: nil
        }
    return RootcellarError(errorClass, "\(what): \(errno)", subject: subject, hint: hint)
}

/// Writes all of `bytes`.
package func writeAll(_ descriptor: FileDescriptor, _ bytes: RawSpan) throws(Errno) {
    var offset = 0
    while offset < bytes.byteCount {
        let written = unsafe bytes.withUnsafeBytes { buffer -> Int in
            guard let base = buffer.baseAddress else { return 0 }
            while true {
                let result = unsafe write(descriptor.rawValue, base + offset, buffer.count - offset)
                if result >= 0 { return result }
                let code = errno
                if code != EINTR { return Int(-code) }
            }
        }
        if written < 0 { throw Errno(rawValue: CInt(-written)) }
        offset += written
    }
}

/// Reads what there is, up to the size of `buffer`; 0 at the end.
package func readSome(_ descriptor: FileDescriptor, _ buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    while true {
        let count = unsafe read(descriptor.rawValue, buffer.baseAddress, buffer.count)
        if count >= 0 { return count }
        let code = errno
        if code != EINTR { throw Errno(rawValue: code) }
    }
}

extension [UInt8] {
    /// Gives the first `count` bytes to `body`.
    func withPrefix<Failure: Error>(
        _ count: Int,
        _ body: (RawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        let piece = span.extracting(first: count)
        try body(unsafe piece.bytes)
    }
}
