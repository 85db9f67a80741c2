// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Calls `body` with `bytes` as a C string. The bytes must not contain NUL; readers of names have refused it before.
func withCPath<Result, Failure: Error>(
    _ bytes: some Collection<UInt8>,
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
) throws(Failure) -> Result {
    var terminated = ContiguousArray<CChar>()
    terminated.reserveCapacity(bytes.count + 1)
    for byte in bytes { terminated.append(CChar(bitPattern: byte)) }
    terminated.append(0)
    return try unsafe terminated.withUnsafeBufferPointer { buffer throws(Failure) in
        guard let base = buffer.baseAddress else { preconditionFailure("an array with elements has an address") }
        return try unsafe body(base)
    }
}

/// Splits `a/b/c` into `a/b` and `c`; the parent of a top-level name is empty.
func splitPath(_ path: [UInt8]) -> (parent: ArraySlice<UInt8>, name: ArraySlice<UInt8>) {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return ([], path[...]) }
    return (path[..<slash], path[(slash + 1)...])
}
