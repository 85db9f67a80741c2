// SPDX-License-Identifier: Apache-2.0

import Model

/// Why one request failed, and whether asking again can help.
struct Fault: Error {
    enum Remedy: Equatable {
        /// The same answer would come again.
        case none
        /// Worth another try, after the time the server asked for if it did.
        case again(after: Duration?)
        /// The server cannot be trusted with ranges: ask for the whole file.
        case wholeFile
    }

    var error: RootcellarError
    var remedy: Remedy

    init(_ error: RootcellarError, _ remedy: Remedy = .none) {
        self.error = error
        self.remedy = remedy
    }
}
