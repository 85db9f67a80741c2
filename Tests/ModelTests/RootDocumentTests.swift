// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("A root document")
struct RootDocumentTests {
    @Test("names the keys of each role")
    func keys() throws {
        let root = try Samples.root()
        #expect(try root.keys(of: .root).threshold == 2)
        #expect(try root.keys(of: .freshness).fingerprints == [Samples.fingerprint("D")])
    }

    @Test(
        "whose role is missing, empty, doubled or cannot be met is BINDING",
        arguments: [
            "missing", "empty", "doubled", "unmet", "zero", "negative",
        ]
    )
    func refused(_ what: String) throws {
        var root = try Samples.root()
        let (a, b) = (try Samples.fingerprint("A"), try Samples.fingerprint("B"))
        root.roles[.root] =
            switch what {
            case "missing": nil
            case "empty": .init(threshold: 0, fingerprints: [])
            case "doubled": .init(threshold: 2, fingerprints: [a, a])
            case "unmet": .init(threshold: 3, fingerprints: [a, b])
            case "zero": .init(threshold: 0, fingerprints: [a])
            default: .init(threshold: -1, fingerprints: [a])
            }
        #expect(errorClass { _ = try root.keys(of: .root) } == .binding)
    }
}
