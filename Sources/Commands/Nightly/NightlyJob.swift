// SPDX-License-Identifier: Apache-2.0

import Archive
import Builder
import Glibc
import Model
import Nightly
import Repository
import SystemPackage

/// One image on its way from its definition into the tree.
final class NightlyJob {
    /// The image and why it is due.
    let row: BuildPlan.Row
    /// Everything that its commands say.
    let log: FilePath
    private let settings: NightlySettings
    private let place: FilePath
    private let latest: Serial?
    private let began = ContinuousClock.now
    private(set) var step: NightlyState.Step
    private var process: NightlyProcess?
    private(set) var isStopping = false

    private static let discarded = Array("discarded".utf8)

    private var output: FilePath { place.appending(BuildJob.output) }

    /// A job that begins with what an earlier run has left undone.
    ///
    /// - Parameters:
    ///   - place: the directory that is the image's own.
    ///   - latest: the newest serial that is published.
    init(
        _ row: BuildPlan.Row,
        _ settings: NightlySettings,
        place: FilePath,
        latest: Serial?,
        now: Timestamp
    ) throws(RootcellarError) {
        self.row = row
        self.settings = settings
        self.place = place
        self.latest = latest
        log = place.appending("nightly.log")
        removeFile(log)
        step = .build
        sweep()
        guard let image = FinishedImage(output) else {
            // A build would refuse to replace what is no image.
            discard()
            return
        }
        if image.isUsable(for: row.image, after: latest, now: now) {
            switch image.hasPassed {
            case .some(true): step = .publish
            case nil: step = .test
            // A build that failed its tests is made anew.
            case .some(false): break
            }
        }
    }

    /// Starts the step that is next.
    func start() throws(RootcellarError) {
        // What is the same as a build that readers are about to lose, or may not use, has to come again under a new serial.
        let isForced = row.decision.needsNewSerial || (row.published.map { $0.serial != latest } ?? (latest != nil))
        process = try NightlyProcess(
            settings.words(step, of: row, output: output, isForced: isForced),
            settings: settings,
            log: log
        )
    }

    /// Asks what runs to end.
    func stop() {
        isStopping = true
        process?.stop()
    }

    /// Looks what has become of it, and goes on.
    ///
    /// - Returns: how it ended; nil if it has not.
    func advance() throws(RootcellarError) -> NightlyResult? {
        guard let process, let status = try process.status() else { return nil }
        if isStopping { return result(nil) }
        guard status == 0 else {
            let failure = process.failure(step, status: status)
            // Files that are not what they were would be found again and again.
            // What the publisher has refused, it has refused for good.
            if step == .publish,
                [.hash, .size, .archive, .binding, .meta].contains(failure.errorClass)
                    || failure.reason.hasPrefix(ImageUpload.refused)
            {
                discard()
            }
            return result(.failed, failure)
        }
        switch step {
        case .build:
            guard let image = FinishedImage(output) else {
                let failure = NightlyState.Failure(
                    step: .build,
                    errorClass: .internal,
                    reason: "the build was made, and is not there"
                )
                return result(.failed, failure)
            }
            if let latest, image.document.serial <= latest { return result(.unchanged, serial: row.published?.serial) }
            step = image.hasPassed == true ? .publish : .test
        case .test: step = .publish
        case .publish:
            return result(settings.ownsTree ? .published : .sent, serial: FinishedImage(output)?.document.serial)
        }
        try start()
        return nil
    }

    private func result(
        _ outcome: NightlyState.Outcome?,
        _ failure: NightlyState.Failure? = nil,
        serial: Serial? = nil
    ) -> NightlyResult {
        NightlyResult(
            name: row.image.name.path,
            outcome: outcome,
            serial: serial,
            failure: failure,
            why: row.explanation,
            milliseconds: Int((ContinuousClock.now - began) / .milliseconds(1)),
            log: log.string
        )
    }

    /// Takes the image directory away, as a whole.
    private func discard() {
        guard let parent = try? openPath(place, .readOnly, .directory) else { return }
        defer { parent.closeQuietly() }
        try? parent.rename(Array(BuildJob.output.utf8), to: Self.discarded)
        sweep()
    }

    /// Removes what was taken away, and what killed builds have left.
    private func sweep() {
        removeDeadBuilds(in: place)
        guard let parent = try? openPath(place, .readOnly, .directory) else { return }
        defer { parent.closeQuietly() }
        guard let directory = try? parent.open(Self.discarded, O_RDONLY | O_DIRECTORY) else { return }
        defer { directory.closeQuietly() }
        try? emptyDirectory(directory)
        try? parent.remove(Self.discarded, directory: true)
    }
}
