// SPDX-License-Identifier: Apache-2.0

import Archive
import Model

/// The words after `extract`.
struct ExtractOptions {
    var expectation: Unpacking.Expectation?
    var newest: Int64?
    var tokens: TokenExpansion
    var expanded: [String] = []

    init(_ words: [String]) throws(RootcellarError) {
        var entries: Int?
        var bytes: Int?
        var values: [String: String] = [:]
        var rest = words[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Self.bad(option) }
            switch option {
            case "--entries": entries = Int(value)
            case "--bytes": bytes = Int(value)
            case "--newest":
                newest = Int64(value)
                if newest == nil { throw Self.bad(option) }
            case "--expand": expanded.append(value)
            case "--set":
                guard let equals = value.firstIndex(of: "=") else { throw Self.bad(option) }
                values[String(value[..<equals])] = String(value[value.index(after: equals)...])
            default: throw Self.bad(option)
            }
        }
        tokens = TokenExpansion(values)
        if let entries, let bytes, entries > 0, bytes >= 0 {
            expectation = Unpacking.Expectation(entries: entries, contentBytes: bytes)
        } else if entries != nil || bytes != nil {
            throw Self.bad("--entries/--bytes")
        }
    }

    private static func bad(_ option: String) -> RootcellarError {
        RootcellarError(.usage, "a bad option for extract", subject: option)
    }
}
