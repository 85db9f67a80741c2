// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("An error")
struct ErrorClassTests {
    @Test("has the published name and exit status")
    func published() {
        let published: [String: Int32] = [
            "USAGE": 2, "TRANSPORT": 10, "SIGNATURE": 11, "ROLLBACK": 12, "FREEZE": 13, "BINDING": 14, "SIZE": 15,
            "HASH": 16, "ARCHIVE": 17, "META": 18, "CACHE": 19, "POLICY": 20, "CLOCK": 21, "DEFINITION": 30,
            "SOURCE": 31, "BUILD": 32, "TEST": 33, "REPOSITORY": 34, "INTERNAL": 70,
        ]
        #expect(Dictionary(uniqueKeysWithValues: ErrorClass.allCases.map { ($0.rawValue, $0.exitStatus) }) == published)
    }

    @Test("is one line: class, reason, subject, hint, and only those that are there")
    func line() {
        #expect(RootcellarError(.hash, "bad", subject: "f", hint: "try").description == "HASH: bad: f; try")
        #expect(RootcellarError(.hash, "bad", subject: "f").description == "HASH: bad: f")
        #expect(RootcellarError(.hash, "bad", hint: "try").description == "HASH: bad; try")
        #expect(RootcellarError(.hash, "bad").description == "HASH: bad")
    }

    @Test("shows nothing that could play with a terminal")
    func printableParts() {
        let error = RootcellarError(.meta, "a\u{1B}[2J", subject: "b\nc", hint: "\u{202E}d")
        #expect(error.description.unicodeScalars.allSatisfy { !isUnprintable($0) })
    }
}
