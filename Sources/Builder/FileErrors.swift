// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Runs `body` and turns the system's refusal into an error of class BUILD about `subject`.
func building<Result>(
    _ what: String,
    _ subject: String,
    _ body: () throws(Errno) -> Result
) throws(RootcellarError) -> Result {
    do throws(Errno) {
        return try body()
    } catch {
        throw systemError(.build, "cannot \(what)", error, subject: subject)
    }
}

/// A text without blanks and line ends around it.
func stripped(_ text: String) -> String {
    var rest = text[...]
    while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
    while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
    return String(rest)
}
