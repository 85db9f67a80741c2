// SPDX-License-Identifier: Apache-2.0

/// What came of testing an image before it is published: `test.json`. It is bound to the very files that were tested.
package struct TestReport: Document {
    package static let title = "test report"
    package var format = documentFormat
    /// `distribution/release/architecture/variant`.
    package var name: String
    package var serial: Serial
    /// `image.json` as it was when the image was tested; it names every file by its hash.
    package var image: FileReference
    /// The uncompressed rootfs.
    package var tar: SHA256Digest
    /// The files that were tested.
    package var files: [String: SHA256Digest]
    /// When the test began.
    package var started: Timestamp
    /// How long it took.
    package var milliseconds: Int
    /// The machine's kernel and architecture.
    package var host: [String: String]
    /// The contract of the files first, then each way to boot them.
    package var trials: [Trial]

    /// How something ended.
    package enum Outcome: String, Codable, Sendable, Hashable {
        case passed
        case failed
        case notRun = "not run"
    }

    /// One way in which the image was tried.
    package struct Trial: Codable, Sendable, Hashable {
        /// `contract`, `lxc`, `lxc-unprivileged`, `lxd` or `incus`.
        package var name: String
        package var outcome: Outcome
        /// What booted it, with its version.
        package var program: String?
        /// Why it was not run.
        package var reason: String?
        package var milliseconds: Int
        package var checks: [Check]

        /// A trial; its outcome follows from its checks unless it was not run.
        package init(
            name: String,
            program: String? = nil,
            notRun reason: String? = nil,
            milliseconds: Int = 0,
            checks: [Check] = []
        ) {
            self.name = name
            self.program = program
            self.reason = reason
            self.milliseconds = milliseconds
            self.checks = checks
            if reason != nil {
                outcome = .notRun
            } else {
                outcome = checks.contains { $0.outcome == .failed } || checks.isEmpty ? .failed : .passed
            }
        }
    }

    /// One thing that was looked at.
    package struct Check: Codable, Sendable, Hashable {
        package var name: String
        package var outcome: Outcome
        package var milliseconds: Int
        /// What was seen, or what is wrong, or why it was not run; printable.
        package var detail: String?

        /// A check.
        package init(name: String, outcome: Outcome, milliseconds: Int, detail: String? = nil) {
            self.name = name
            self.outcome = outcome
            self.milliseconds = milliseconds
            self.detail = detail
        }
    }

    /// The name of the file in an image directory.
    package static let fileName = "test.json"
    /// What the tests printed.
    package static let logName = "test.log"
    /// The trial of the files themselves; all others boot.
    package static let contract = "contract"
    /// The most bytes a report may have.
    package static let limit = 4 << 20

    /// A report of the current format.
    package init(
        _ document: ImageDocument,
        image: FileReference,
        started: Timestamp,
        milliseconds: Int,
        host: [String: String],
        trials: [Trial]
    ) throws(RootcellarError) {
        name = try document.name().path
        serial = document.serial
        self.image = image
        tar = document.tar.sha256
        files = document.files.mapValues(\.sha256)
        self.started = started
        self.milliseconds = milliseconds
        self.host = host
        self.trials = trials
    }

    /// Whether the image may be called tested: nothing failed, its files are in order, and it was booted at least once.
    package var hasPassed: Bool {
        trials.allSatisfy { $0.outcome != .failed }
            && trials.contains { $0.name == Self.contract && $0.outcome == .passed }
            && trials.contains { $0.name != Self.contract && $0.outcome == .passed }
    }

    /// What is wrong, in one clause; nil if the image has passed.
    package var fault: String? {
        guard !hasPassed else { return nil }
        let failed = trials.flatMap { trial in
            let checks = trial.checks.filter { $0.outcome == .failed }
            let texts = checks.map { "\(trial.name): \($0.name): \($0.detail ?? "failed")" }
            return texts.isEmpty && trial.outcome == .failed ? ["\(trial.name): nothing was checked"] : texts
        }
        if let first = failed.first {
            return failed.count == 1 ? first : "\(first); and \(failed.count - 1) more"
        }
        let reasons = trials.filter { $0.outcome == .notRun }.map { "\($0.name): \($0.reason ?? "not run")" }
        return reasons.isEmpty ? "nothing was booted" : "nothing was booted (\(reasons.joined(separator: "; ")))"
    }

    /// The outcome of each trial by its name.
    package var outcomes: [String: Outcome] {
        Dictionary(trials.map { ($0.name, $0.outcome) }, uniquingKeysWith: { $0 == .failed ? $0 : $1 })
    }

    /// Whether the report is about just this image.
    ///
    /// - Parameter image: the bytes of its `image.json`.
    package func isAbout(_ document: ImageDocument, image bytes: FileReference) -> Bool {
        image == bytes && tar == document.tar.sha256 && files == document.files.mapValues(\.sha256)
            && serial == document.serial && (try? document.name().path) == name
    }

    /// Whether the report is about the files of a published image, which has more than were tested.
    package func covers(_ document: ImageDocument) -> Bool {
        tar == document.tar.sha256 && files.allSatisfy { document.files[$0.key]?.sha256 == $0.value }
            && serial == document.serial && (try? document.name().path) == name
    }
}
