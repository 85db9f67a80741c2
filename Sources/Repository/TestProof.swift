// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// What an image directory has to show of its tests.
struct TestProof {
    /// Why the image may not be called tested; nil if it may.
    let fault: RootcellarError?
    /// How each test ended; nil where there is no report about just these files.
    let outcomes: [String: TestReport.Outcome]?
    /// The report and its log, to be published with the image.
    private let files: [(name: String, bytes: [UInt8])]

    var isTested: Bool { fault == nil }

    /// The most bytes of `test.log`.
    private static let logLimit = 64 << 20

    /// Reads `test.json` and `test.log`.
    ///
    /// - Parameters:
    ///   - reference: the `image.json` that is there.
    ///   - isVouchedFor: whether that was published with the results in it. Publishing adds files and completes the document, so
    ///     that the report is about the one before.
    static func read(
        _ directory: FilePath,
        _ document: ImageDocument,
        _ reference: FileReference,
        isVouchedFor: Bool
    ) -> TestProof {
        let path = directory.appending(TestReport.fileName)
        guard Disk.exists(path) else { return untested(.policy, "the build has no test result", directory) }
        do throws(RootcellarError) {
            let bytes = try Disk.read(path, limit: TestReport.limit)
            let report = try TestReport(verified: bytes, subject: path.string)
            let isPublished = isVouchedFor && report.covers(document) && report.outcomes == document.tests
            guard isPublished || report.isAbout(document, image: reference) else {
                return untested(.policy, "the test result is of other files than these", directory)
            }
            let fault = report.fault.map {
                RootcellarError(
                    .test,
                    "the build did not pass its tests: \($0)",
                    subject: directory.string,
                    hint: "--untested publishes it all the same, and the index says so"
                )
            }
            var files = [(TestReport.fileName, bytes)]
            let log = directory.appending(TestReport.logName)
            if Disk.exists(log) { files.append((TestReport.logName, try Disk.read(log, limit: logLimit))) }
            return TestProof(fault: fault, outcomes: report.outcomes, files: files)
        } catch {
            return untested(.policy, "the test result cannot be read: \(error.reason)", directory)
        }
    }

    private static func untested(_ errorClass: ErrorClass, _ reason: String, _ directory: FilePath) -> TestProof {
        let fault = RootcellarError(
            errorClass,
            reason,
            subject: directory.string,
            hint: "run 'rootcellar test' on it; --untested publishes it all the same, and the index says so"
        )
        return TestProof(fault: fault, outcomes: nil, files: [])
    }

    /// Puts the files into the directory of a build that is being published, and into its document.
    func add(to document: inout ImageDocument, in directory: FilePath) throws(RootcellarError) {
        document.tests = outcomes
        for (name, bytes) in files {
            try Disk.write(bytes, to: directory.appending(name))
            document.files[name] = ImageDocument.File(size: bytes.count, sha256: SHA256Digest(hashing: bytes))
        }
    }
}
