// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Random numbers that can be had again: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators"). `ROOTCELLAR_TEST_SEED` repeats a run; a test puts `seed` into the message of each expectation.
package struct SeededGenerator: RandomNumberGenerator {
    /// What to set `ROOTCELLAR_TEST_SEED` to for the same numbers.
    package let seed: UInt64
    private var state: UInt64

    /// The generator of `seed`; by default that of the environment, else a new one.
    package init(seed: UInt64? = nil) {
        let chosen =
            seed ?? ProcessInfo.processInfo.environment["ROOTCELLAR_TEST_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 0...UInt64.max)
        self.seed = chosen
        state = chosen
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// `count` random bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
