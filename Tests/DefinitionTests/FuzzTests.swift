// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

@Suite struct FuzzTests {
    private static let interesting: [[UInt8]] = [
        "\n", "\n\n", "  ", "- ", ": ", "? ", "|", ">", "|2-", "&a ", "*a", "!!int ", "!<x> ", "{", "}", "[", "]", ",",
        "\"",
        "'", "#", "---\n", "...\n", "%YAML 1.1\n", "<<: ", "\t", "\r\n", "\u{85}", "\u{2028}", "\u{FEFF}", "~", "null",
        "{{ image.name }}", "{% if %}", "\\x", "\u{0}", "image:", "types: [vm]", "0x", "é", "@", "`",
    ].map { Array($0.utf8) }

    @Test(.timeLimit(.minutes(2))) func anyMutationIsReadOrRefused() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let seeds = [Samples.complete, Samples.minimal, try Samples.repositoryFile("builder/images/debian.yaml")]
            .map { Array($0.utf8) }
        var accepted = 0
        for round in 0..<4_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0...5, using: &random) { Self.mutate(&bytes, &random) }
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(RootcellarError) {
                let (resolved, _) = try Samples.load(text)
                accepted += 1
                try Self.use(resolved)
            } catch {
                #expect(error.errorClass == .definition, "seed \(seed), round \(round): \(error)")
                #expect(error.subject.hasPrefix("f.yaml") || error.subject == "default value", "seed \(seed): \(error)")
            }
        }
        // Most changes inside scripts and texts leave a definition; if none did, the test would test nothing.
        #expect(accepted > 100, "seed \(seed)")
    }

    @Test func everyPrefixIsReadOrRefused() throws {
        let bytes = Array(Samples.complete.utf8)
        for count in bytes.indices {
            let text = String(decoding: bytes.prefix(count), as: UTF8.self)
            if let error = Samples.refusal(text) { #expect(error.errorClass == .definition) }
        }
    }

    @Test func anyOverrideIsTakenOrRefused() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let words = [
            "image", "release", "source", "keys", "0", "1", "-1", "files", "path", "targets", "lxd", "incus", "vm",
            "size", "",
            "packages", "sets", "update", "mappings", "architectures", "x", "simplestream", "release_aliases", "3",
            "10",
        ]
        for _ in 0..<1_500 {
            let count = Int.random(in: 0...5, using: &random)
            let key = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &random)] }.joined(
                separator: "."
            )
            let value = words[Int.random(in: 0..<words.count, using: &random)]
            if let error = Samples.refusal(Samples.complete, ["\(key)=\(value)"]) {
                #expect(error.errorClass == .usage, "seed \(seed): \(key)=\(value): \(error)")
            }
        }
    }

    private static func use(_ resolved: ResolvedDefinition) throws(RootcellarError) {
        for mode in [BuildMode.directory, .build(.container), .pack(.vm)] {
            _ = resolved.packageSets(mode)
            _ = try resolved.files(mode)
            _ = try resolved.lxcConfig(mode)
            _ = try resolved.repositories(mode)
            for trigger in ActionTrigger.allCases { _ = try resolved.actions(trigger, mode) }
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
        case 3: bytes.insert(contentsOf: interesting[Int.random(in: 0..<interesting.count, using: &random)], at: place)
        case 4:
            let end = min(bytes.count, place + Int.random(in: 1...80, using: &random))
            bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
        default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
        }
    }
}
