// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

extension Inspection {
    /// Checks that a build which the index calls tested was: by the report beside it, of the very files beside it.
    ///
    /// Publishing adds files and completes `image.json`, so that the report is compared by its hashes of the files.
    func checkTests(_ document: ImageDocument, in directory: String) throws(RootcellarError) {
        let subject = "\(directory)/\(TestReport.fileName)"
        guard let file = document.files[TestReport.fileName] else {
            throw RootcellarError(
                .binding,
                "the index calls the build tested, but it has no test report",
                subject: subject
            )
        }
        let bytes = try Disk.read(layout.path(subject), limit: min(max(file.size, 0), TestReport.limit))
        let report = try TestReport(verified: bytes, subject: subject)
        guard report.hasPassed, report.outcomes == document.tests else {
            throw RootcellarError(.binding, "the index calls the build tested, its report does not", subject: subject)
        }
        guard report.covers(document) else {
            throw RootcellarError(.binding, "the test report is about other files", subject: subject)
        }
    }
}
