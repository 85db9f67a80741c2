// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Model

@Suite("The nearest name")
struct NearestNameTests {
    private let names = ["server", "cache", "proxy", "mirror"]

    @Test(
        "is the one most likely meant",
        arguments: [
            ("sever", "server"), ("servre", "server"), ("SERVER", "server"), ("cahce", "cache"), ("prox", "proxy"),
            ("mirorr", "mirror"), ("server", "server"), ("cachee", "cache"),
        ]
    )
    func found(_ word: String, _ name: String) {
        #expect(nearestName(to: word, among: names) == name)
    }

    @Test("is none if nothing is near", arguments: ["", "x", "zzzzzz", "architecture", "srv"])
    func none(_ word: String) {
        #expect(nearestName(to: word, among: names) == nil)
    }

    @Test("of two as near is the first in the alphabet, whatever the order")
    func ties() {
        #expect(nearestName(to: "aaa", among: ["aac", "aab"]) == "aab")
        #expect(nearestName(to: "aaa", among: ["aab", "aac"]) == "aab")
        #expect(nearestName(to: "a", among: [String]()) == nil)
    }

    @Test(
        "counts insertions, deletions, changes and swaps",
        arguments: [
            ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1),
            ("kitten", "sitting", 3), ("ab", "ba", 1), ("ca", "abc", 3),
        ]
    )
    func distances(_ left: String, _ right: String, _ distance: Int) {
        #expect(editDistance(left, right) == distance)
    }

    @Test("is measured by a distance that is symmetric, zero only for equals, and within the lengths")
    func properties() {
        var generator = SeededGenerator()
        func word() -> String {
            String(
                (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                    "abc".randomElement(using: &generator) ?? "a"
                }
            )
        }
        for _ in 0..<5000 {
            let (left, right) = (word(), word())
            let distance = editDistance(left, right)
            #expect(distance == editDistance(right, left), "seed \(generator.seed)")
            #expect((distance == 0) == (left == right), "seed \(generator.seed)")
            #expect(
                (abs(left.count - right.count)...max(left.count, right.count)).contains(distance),
                "seed \(generator.seed)"
            )
            if let found = nearestName(to: left, among: names + [right]) {
                #expect((names + [right]).contains(found), "seed \(generator.seed)")
            }
        }
    }
}
