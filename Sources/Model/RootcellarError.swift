// SPDX-License-Identifier: Apache-2.0

/// The one error that reaches a user: its class, what happened, to which object, and what to do about it.
///
/// Modules throw nothing else across their boundary, so that a caller switches on `errorClass` alone.
package struct RootcellarError: Error, Sendable, CustomStringConvertible {
    /// The class, which decides the exit status.
    package let errorClass: ErrorClass
    /// One clause saying what happened, the system's or a library's own words included; no trailing stop.
    package let reason: String
    /// The object it happened to, as a reader can look it up: a path, a URL, an image, a fingerprint. May be empty.
    package let subject: String
    /// What to do next, if there is something to do.
    package let hint: String?

    /// Makes an error. Text from outside (server, archive, file names) is made printable here, so that no caller can
    /// forget it: control characters would let a server write to the user's terminal.
    package init(_ errorClass: ErrorClass, _ reason: String, subject: String = "", hint: String? = nil) {
        self.errorClass = errorClass
        self.reason = printable(reason)
        self.subject = printable(subject)
        self.hint = hint.map { printable($0) }
    }

    /// `CLASS: what, where; what to do`, on one line.
    package var description: String {
        var line = "\(errorClass.rawValue): \(reason)"
        if !subject.isEmpty { line += ": \(subject)" }
        if let hint { line += "; \(hint)" }
        return line
    }
}
