// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("A reference to a file")
struct FileReferenceTests {
    @Test("accepts the bytes it was made of, says SIZE for another number and HASH for other bytes")
    func check() throws {
        let bytes = Array("hello".utf8)
        let reference = FileReference(of: bytes)
        try reference.check(bytes, subject: "x")
        #expect(errorClass { try reference.check(Array(bytes.dropLast()), subject: "x") } == .size)
        #expect(errorClass { try reference.check(bytes + [0], subject: "x") } == .size)
        #expect(errorClass { try reference.check([], subject: "x") } == .size)
        for place in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[place] ^= 1 << bit
                let error = #expect(throws: RootcellarError.self) { try reference.check(changed, subject: "x") }
                #expect(error?.errorClass == .hash && error?.subject == "x")
            }
        }
    }

    @Test("of a negative size accepts nothing")
    func negative() {
        let reference = FileReference(size: -1, sha256: SHA256Digest(hashing: [UInt8]()))
        #expect(errorClass { try reference.check([], subject: "x") } == .size)
    }
}
