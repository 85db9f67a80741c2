// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import OpenPGP

#if canImport(Glibc)
import Glibc
#endif

@Suite("A text with its signature around it", .scratchDirectory)
struct ClearsignedTextTests {
    private let now = Timestamp(seconds: Int64(time(nil)))

    @Test("is accepted as it was made, and with no byte changed, cut or added")
    func strict() throws {
        let home = try KeyHome(directory: ScratchDirectory.path.appending("keys"))
        defer { home.close() }
        let key = try home.makeKey(userID: "Example (release)")
        let verifier = try Verifier(publicKeys: [home.exportPublic(key)], expecting: [key])
        func text(_ bytes: [UInt8]) throws -> [UInt8] {
            try verifier.clearsigned(bytes, by: [key], threshold: 1, now: now, subject: "x")
        }
        let message = Array("{\"a\":[\n\"b\",\n \"c\"]}\n".utf8)
        let signed = try home.clearsign(message, by: key)
        #expect(try text(signed) == message)
        // Form first, so that nothing else is given to gpg; then gpg.
        let body = (signed.firstIndex(of: 0x7B) ?? 0)..<(signed.firstIndex(of: 0x7B) ?? 0) + message.count
        for position in signed.indices where position % 7 == 0 || body.contains(position) {
            var changed = signed
            changed[position] ^= 1
            #expect(throws: RootcellarError.self, "\(position)") { _ = try text(changed) }
        }
        for other in [
            Array("x\n".utf8) + signed, signed + Array("x\n".utf8), signed + signed, Array(signed.dropLast(30)),
            Array(signed.dropFirst()), message, [],
        ] {
            #expect(throws: RootcellarError.self) { _ = try text(other) }
        }
        let stranger = try home.makeKey(userID: "Example (other)")
        let foreign = try home.clearsign(message, by: stranger)
        #expect(throws: RootcellarError.self) { _ = try text(foreign) }
        // What is around the text is no detached signature of it.
        let parts = try ClearsignedText(reading: signed, subject: "x")
        #expect(throws: RootcellarError.self) {
            _ = try verifier.verify(
                message,
                signatures: parts.signature,
                by: [key],
                threshold: 1,
                now: now,
                subject: "x"
            )
        }
    }

    @Test("is not made of what gpg would change")
    func unfit() {
        func unfit(_ text: String) -> Bool { ClearsignedText.unfit(Array(text.utf8)) != nil }
        #expect(!unfit("a\n") && !unfit("a b\n\n - c\n") && !unfit("\n"))
        for text in ["", "a", "a \n", "-a\n", "a\n-\n", "a\r\n", "é\n", "\t\n"] { #expect(unfit(text), "\(text)") }
        #expect(!unfit(String(repeating: "x", count: ClearsignedText.lineLimit) + "\n"))
        #expect(unfit(String(repeating: "x", count: ClearsignedText.lineLimit + 1) + "\n"))
    }
}
