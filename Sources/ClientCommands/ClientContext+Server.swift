// SPDX-License-Identifier: Apache-2.0

import Client
import Model

extension ClientContext {
    /// The server that a command line means; says what of the command line is ignored.
    func choose(_ words: ServerWords) throws(RootcellarError) -> ChosenServer {
        try selection.choose(words, surroundings) { tell("rootcellar: note: \($0)") }
    }
}

extension Narrator {
    /// Warnings alone: for commands whose output is their result.
    static var quiet: Narrator { Narrator(progress: { _ in }, warn: { tell("rootcellar: warning: \($0)") }) }
}
