// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import FuzzTargets
import SystemPackage
import TestSupport
import Testing

/// The short form of `make fuzz`.
@Suite("Bytes from outside")
struct DamagedInputTests {
    @Test("are refused or understood, however they are damaged", arguments: FuzzTarget.allCases)
    func damaged(target: FuzzTarget) {
        var random = SeededGenerator()
        print("seed \(random.seed)")
        for seed in target.seeds {
            target.run(seed)
            for count in [0, 1, seed.count / 2] { target.run(Array(seed.prefix(count))) }
            for _ in 0..<300 { target.run(Self.damage(seed, &random)) }
        }
    }

    @Test("that once broke a reader no longer do", arguments: FuzzTarget.allCases)
    func crashers(target: FuzzTarget) throws {
        let directory = FilePath(#filePath).removingLastComponent().removingLastComponent()
            .appending("Fuzz/Crashers/\(target.rawValue)").string
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            target.run(Array(try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))))
        }
    }

    private static func damage(_ seed: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.insert(contentsOf: random.bytes(Int.random(in: 1...9, using: &random)), at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &random)))
            default: bytes.insert(contentsOf: bytes.prefix(Int.random(in: 0...64, using: &random)), at: place)
            }
        }
        return bytes
    }
}
