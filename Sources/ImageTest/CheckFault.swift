// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// Why a check failed or could not be made. A failed check is a finding, not an error of the run.
enum CheckFault: Error {
    /// The image is not as it has to be.
    case failed(String)
    /// Nothing can be said on this machine, or of this image.
    case notRun(String)

    /// A finding in the words of an error.
    init(_ error: RootcellarError) {
        let subject = error.subject.isEmpty ? "" : ": \(error.subject)"
        self = .failed("\(error.reason)\(subject)")
    }

    /// The text of either.
    var reason: String {
        switch self {
        case .failed(let reason), .notRun(let reason): reason
        }
    }
}

/// Runs `body` and takes the system's refusal for a finding.
func finding<Result>(_ what: String, _ body: () throws(Errno) -> Result) throws(CheckFault) -> Result {
    do throws(Errno) {
        return try body()
    } catch {
        throw .failed("cannot \(what): \(error)")
    }
}

/// Runs `body` and takes an error for a finding.
func finding<Result>(_ body: () throws(RootcellarError) -> Result) throws(CheckFault) -> Result {
    do throws(RootcellarError) {
        return try body()
    } catch {
        throw CheckFault(error)
    }
}
