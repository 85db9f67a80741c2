// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("Documents")
struct DocumentTests {
    /// The canonical bytes of what `bytes` decode to, as each type.
    private static func rewritten<D: Document>(_ type: D.Type, _ bytes: [UInt8]) throws(RootcellarError) -> [UInt8] {
        try D(verified: bytes, subject: "x").canonicalBytes()
    }

    private static func all() throws -> [(bytes: [UInt8], rewrite: ([UInt8]) throws(RootcellarError) -> [UInt8])] {
        [
            (
                try Samples.image().canonicalBytes(),
                { (bytes) throws(RootcellarError) in try rewritten(ImageDocument.self, bytes) }
            ),
            (
                try Samples.shard().canonicalBytes(),
                { (bytes) throws(RootcellarError) in try rewritten(IndexShard.self, bytes) }
            ),
            (
                try Samples.manifest().canonicalBytes(),
                { (bytes) throws(RootcellarError) in try rewritten(Manifest.self, bytes) }
            ),
            (
                try Samples.pointer().canonicalBytes(),
                { (bytes) throws(RootcellarError) in try rewritten(Pointer.self, bytes) }
            ),
            (
                try Samples.root().canonicalBytes(),
                { (bytes) throws(RootcellarError) in try rewritten(RootDocument.self, bytes) }
            ),
        ]
    }

    @Test("are the same bytes when read and written again")
    func canonical() throws {
        for (bytes, rewrite) in try Self.all() {
            #expect(try rewrite(bytes) == bytes)
            #expect(bytes.last == 0x0A && !bytes.dropLast().contains(0x0A))
        }
    }

    @Test("have sorted keys, plain slashes and no blanks")
    func form() throws {
        let text = String(decoding: try Samples.pointer().canonicalBytes(), as: UTF8.self)
        #expect(
            text == """
                {"format":1,"manifest":{"file":{"sha256":"\(Samples.digest)","size":3},"version":7},"root":1,\
                "server":"example","signedAt":"2026-01-01T00:00:00Z","validUntil":"2026-01-02T00:00:00Z"}

                """
        )
        #expect(String(decoding: try Samples.manifest().canonicalBytes(), as: UTF8.self).contains("broken / unsafe"))
    }

    @Test("of another format are POLICY, with the remedy", arguments: [0, 2, -1, 1_000_000])
    func format(_ number: Int) throws {
        var pointer = Samples.pointer()
        pointer.format = number
        let bytes = try pointer.canonicalBytes()
        let error = #expect(throws: RootcellarError.self) { try Pointer(verified: bytes, subject: "p") }
        #expect(error?.errorClass == .policy && error?.hint?.contains("newer version") == true && error?.subject == "p")
    }

    @Test("of another format are POLICY even if nothing else in them can be read")
    func newerForm() {
        #expect(errorClass { _ = try Pointer(verified: Array("{\"format\":2}".utf8), subject: "p") } == .policy)
    }

    @Test(
        "that are not well formed are BINDING",
        arguments: [
            "", "{}", "[]", "null", "1", "{\"format\":1}", "{\"format\":\"1\"}", "{\"format\":1.5}",
            "{\"format\":null}",
            "{\"format\":99999999999999999999}", "{\"format\":1,", "\u{FEFF}{}", "<html>",
            "{\"format\":1}{\"format\":1}",
        ]
    )
    func refused(_ text: String) {
        #expect(errorClass { _ = try Pointer(verified: Array(text.utf8), subject: "p") } == .binding)
    }

    @Test(
        "with one field of a wrong form are BINDING, and the field is named",
        arguments: [
            ("\"version\":7", "\"version\":\"7\"", "version"), ("\"version\":7", "\"version\":7.5", "pointer"),
            ("\"version\":7", "\"version\":99999999999999999999", "pointer"), ("\"root\":1", "\"roof\":1", "root"),
            ("2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "time"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "time"),
            ("\"sha256\":\"b", "\"sha256\":\"B", "SHA-256"), ("\"sha256\":\"b", "\"sha256\":\"bb", "SHA-256"),
        ]
    )
    func fields(_ old: String, _ new: String, _ named: String) throws {
        let text = String(decoding: try Samples.pointer().canonicalBytes(), as: UTF8.self)
        let place = try #require(text.firstRange(of: old))
        let changed = text.replacingCharacters(place, new)
        let error = #expect(throws: RootcellarError.self) { try Pointer(verified: Array(changed.utf8), subject: "p") }
        #expect(error?.errorClass == .binding)
        #expect(error?.reason.contains(named) == true, "\(error?.description ?? "")")
    }

    @Test("with a bad serial or fingerprint are refused")
    func nestedForms() throws {
        let shard = String(decoding: try Samples.shard().canonicalBytes(), as: UTF8.self)
        let serial = try #require(shard.firstRange(of: "20260101_00:00"))
        let badShard = Array(shard.replacingCharacters(serial, "20260230_00:00").utf8)
        #expect(errorClass { _ = try IndexShard(verified: badShard, subject: "x") } != nil)
        let root = String(decoding: try Samples.root().canonicalBytes(), as: UTF8.self)
        let print = try #require(root.firstRange(of: String(repeating: "C", count: 40)))
        let badRoot = Array(root.replacingCharacters(print, "CCCCCCCC").utf8)
        #expect(errorClass { _ = try RootDocument(verified: badRoot, subject: "x") } != nil)
        let role = try #require(root.firstRange(of: "\"freshness\""))
        let otherRole = Array(root.replacingCharacters(role, "\"wizard\"").utf8)
        #expect(errorClass { _ = try RootDocument(verified: otherRole, subject: "x") } == .binding)
    }

    @Test("of deep nesting or great length are refused, not a crash")
    func deep() {
        for text in [
            String(repeating: "[", count: 200_000), String(repeating: "{\"format\":", count: 100_000),
            "{\"format\":1,\"server\":\"" + String(repeating: "a", count: 1 << 20),
        ] {
            #expect(errorClass { _ = try Pointer(verified: Array(text.utf8), subject: "p") } == .binding)
        }
    }

    @Test("cut anywhere are refused")
    func prefixes() throws {
        let bytes = try Samples.pointer().canonicalBytes()
        for end in 0..<(bytes.count - 1) {
            let part = Array(bytes.prefix(end))
            #expect(errorClass { _ = try Pointer(verified: part, subject: "p") } == .binding, "\(end)")
        }
    }

    @Test("damaged at random are refused by class, or are well formed: written and read again they stay the same")
    func fuzz() throws {
        var generator = SeededGenerator()
        let all = try Self.all()
        for round in 0..<10_000 {
            let (good, rewrite) = all[round % all.count]
            var bytes = good
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                case 1: bytes.remove(at: place)
                case 2: bytes[place] = "0123456789-eE.\"{}[],:\\ntf".utf8.randomElement(using: &generator) ?? 0
                default: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            do throws(RootcellarError) {
                let once = try rewrite(bytes)
                #expect(try rewrite(once) == once, "seed \(generator.seed)")
            } catch {
                #expect([.binding, .policy].contains(error.errorClass), "\(error), seed \(generator.seed)")
            }
        }
    }
}

extension String {
    fileprivate func replacingCharacters(_ range: Range<String.Index>, _ text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
