// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@Suite("A version of a Debian package")
struct DebianVersionTests {
    @Test(
        "stands where Debian Policy puts it",
        arguments: [
            ["1~~", "1~~a", "1~", "1", "1a"], ["1.0~beta1~svn1245", "1.0~beta1", "1.0"], ["9:1", "10:0~"],
            ["1.2-9", "1.2-10", "1.2.1-1", "1:0"], ["3.0.16-1~deb12u1", "3.0.17-1~deb12u2", "3.0.17-1"],
            ["1.0a", "1.0a1", "1.0b", "1.0+", "1.0.1"],
            ["0.9.10", "0.10.9", "99999999999999999999", "100000000000000000000"],
            ["1-1-1", "1-1-2", "1-2-1"], ["", "0.1"], ["~", ""],
        ]
    )
    func order(_ texts: [String]) {
        for (left, one) in texts.enumerated() {
            for (right, other) in texts.enumerated() {
                #expect((DebianVersion(one) < DebianVersion(other)) == (left < right), "\(one) \(other)")
                #expect((DebianVersion(one) == DebianVersion(other)) == (left == right), "\(one) \(other)")
            }
        }
        for (one, other) in [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("1.0", "1.00"), ("1.01-1", "1.1-01")] {
            #expect(DebianVersion(one) == DebianVersion(other))
        }
    }

    /// One process for all: dpkg is started by a shell for each pair, which takes a millisecond or two.
    @Test("is ordered as dpkg orders it, whatever it is made of")
    func dpkg() async throws {
        var random = SeededGenerator()
        let parts = ["0", "1", "9", "10", "007", "a", "b", "Z", "~", "+", ".", "-", "~rc", "deb12u1", "ubuntu"]
        func version() -> String {
            let epoch = Int.random(in: 0..<6, using: &random) == 0 ? "\(Int.random(in: 0...12, using: &random)):" : ""
            let tail = (0..<Int.random(in: 0...6, using: &random))
                .map { _ in parts[Int.random(in: 0..<parts.count, using: &random)] }
            var text = epoch + "\(Int.random(in: 0...20, using: &random))" + tail.joined()
            if text.hasSuffix("-") { text += "1" }
            return text
        }
        let pairs = (0..<400).map { _ in (version(), Bool.random(using: &random) ? version() : version()) }
        let script = """
            while read -r a b; do
                if dpkg --compare-versions "$a" lt "$b"; then echo lt
                elif dpkg --compare-versions "$a" eq "$b"; then echo eq
                else echo gt; fi
            done
            """
        let input = pairs.map { "\($0.0) \($0.1)\n" }.joined()
        let result = try await runProgram("sh", ["-uc", script], input: input)
        let words = result.output.split(separator: "\n")
        #expect(words.count == pairs.count && result.errors.isEmpty, "\(result.errors)")
        for (pair, word) in zip(pairs, words) {
            let (one, other) = (DebianVersion(pair.0), DebianVersion(pair.1))
            let ours = one < other ? "lt" : one == other ? "eq" : "gt"
            #expect(ours == word, "seed \(random.seed): \(pair.0) \(pair.1)")
            #expect((other < one) == (ours == "gt"), "seed \(random.seed): \(pair.0) \(pair.1)")
        }
    }
}
