// SPDX-License-Identifier: Apache-2.0

import ClientCommands
import Model
import Nightly

/// How one image, or one step for the whole tree, ended.
struct NightlyResult: Encodable {
    /// The image's name, or the command.
    var name: String
    /// Nil if it was not brought to an end.
    var outcome: NightlyState.Outcome?
    var serial: Serial?
    var failure: NightlyState.Failure?
    /// Why it was to be done.
    var why: String
    var milliseconds: Int
    /// Where everything is that was said.
    var log: String?

    /// As a line of the table.
    var cells: [String] {
        let end = outcome?.rawValue ?? "not done"
        let detail = failure.map { "\($0.step.rawValue): \($0.errorClass.rawValue): \($0.reason)" } ?? why
        return [name, end, serial?.description ?? "-", "\(milliseconds / 1000) s", detail]
    }
}

/// What a run has done.
struct NightlyReport: Encodable {
    var format = documentFormat
    var began: Timestamp
    var ended: Timestamp
    /// Images first, then what was done for the whole tree.
    var results: [NightlyResult]

    /// Prints the table.
    func print() {
        say(table([["IMAGE", "RESULT", "SERIAL", "TIME", "WHY"]] + results.map(\.cells)))
    }

    /// The first failure as the command's error; nil if all is well.
    var fault: RootcellarError? {
        let failed = results.filter { $0.outcome == .failed }
        guard let first = failed.first, let failure = first.failure else { return nil }
        let rest = failed.count > 1 ? " (and \(failed.count - 1) more)" : ""
        return RootcellarError(
            failure.errorClass,
            "\(failure.step.rawValue) failed: \(failure.reason)",
            subject: first.name + rest,
            hint: first.log.map { "the whole story is in \($0)" }
        )
    }
}
