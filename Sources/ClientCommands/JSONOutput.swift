// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Model

/// JSON on standard output, keys sorted, for programs.
package func sayJSON(_ value: some Encodable) throws(RootcellarError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    do {
        say(String(decoding: try encoder.encode(value), as: UTF8.self))
    } catch {
        throw RootcellarError(.internal, "cannot write JSON: \(error)")
    }
}
