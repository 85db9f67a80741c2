// SPDX-License-Identifier: Apache-2.0

import Archive
import Client
import ClientCommands
import Definition
import Glibc
import Model
import Nightly
import SystemPackage

/// A run: what is due, a few images side by side, then what is to be done for the whole tree. What fails keeps nothing
/// else from being done.
///
/// All processes are started by the thread that runs this, and end with it.
struct NightlyRun {
    private let settings: NightlySettings
    private let work: NightlyWork
    private let latest: [ImageName: Serial]
    private var running: [NightlyJob] = []
    private var results: [NightlyResult] = []

    init(_ settings: NightlySettings, _ work: NightlyWork, latest: [ImageName: Serial]) {
        self.settings = settings
        self.work = work
        self.latest = latest
    }

    /// Does all of it, or as much as there is until somebody asks for an end.
    ///
    /// - Parameters:
    ///   - plan: of every image that this machine may build. Those that are due are built, and of all of them the old builds
    ///     taken away.
    ///   - faults: of definitions.
    mutating func run(
        _ plan: BuildPlan,
        faults: [RootcellarError]
    ) throws(RootcellarError) -> NightlyReport {
        let began = currentTime()
        for fault in faults {
            tell("\(fault.subject): failed: \(fault.errorClass.rawValue): \(fault.reason)")
            let failure = NightlyState.Failure(step: .build, errorClass: fault.errorClass, reason: fault.reason)
            results.append(
                NightlyResult(name: fault.subject, outcome: .failed, failure: failure, why: "", milliseconds: 0)
            )
        }
        for row in plan.rows where row.decision.isWaiting { tell("\(row.image.name): not tried: \(row.explanation)") }
        var queue = plan.due
        while !queue.isEmpty || !running.isEmpty {
            if Interruption.isRequested {
                queue = []
                for job in running { job.stop() }
            }
            while running.count < settings.jobs, let at = queue.firstIndex(where: canBegin) {
                try begin(queue.remove(at: at))
            }
            try look()
            usleep(20_000)
        }
        if settings.ownsTree, !Interruption.isRequested { try tidy(plan.rows.map(\.image)) }
        return NightlyReport(began: began, ended: currentTime(), results: results)
    }

    /// There is one build of an image in a minute: its serial names it.
    private func canBegin(_ row: BuildPlan.Row) -> Bool { latest[row.image.name] != Serial(currentTime()) }

    private mutating func begin(_ row: BuildPlan.Row) throws(RootcellarError) {
        let (image, now) = (row.image, currentTime())
        let failures = row.attempt?.inputs == image.inputs ? row.attempt?.failures ?? 0 : 0
        work.state[image.name] = NightlyState.Attempt(began: now, inputs: image.inputs, failures: failures)
        try work.save()
        let job = try NightlyJob(
            row,
            settings,
            place: work.place(of: image.name),
            latest: latest[image.name],
            now: now
        )
        tell("\(image.name): \(job.step.rawValue) (\(row.explanation))")
        try job.start()
        running.append(job)
    }

    private mutating func look() throws(RootcellarError) {
        var left: [NightlyJob] = []
        for job in running {
            let step = job.step
            guard let result = try job.advance() else {
                if job.step != step { tell("\(job.row.image.name): \(job.step.rawValue)") }
                left.append(job)
                continue
            }
            try record(result, job.row.image)
        }
        running = left
    }

    private mutating func record(_ result: NightlyResult, _ image: CatalogImage) throws(RootcellarError) {
        results.append(result)
        let failure = result.failure.map { ": \($0.step.rawValue): \($0.errorClass.rawValue): \($0.reason)" } ?? ""
        tell("\(image.name): \(result.outcome?.rawValue ?? "not done")\(failure)")
        guard let outcome = result.outcome, var attempt = work.state[image.name] else { return }
        attempt.ended = currentTime()
        attempt.outcome = outcome
        attempt.serial = result.serial
        attempt.failure = result.failure
        attempt.failures = outcome == .failed ? min(max(attempt.failures, 0), 1000) + 1 : 0
        work.state[image.name] = attempt
        try work.save()
    }

    /// Takes away old builds, and signs the pointer once more, whether anything was due or not.
    private mutating func tidy(_ images: [CatalogImage]) throws(RootcellarError) {
        removeFile(work.log)
        // A tree without images refuses to be pruned.
        if !latest.isEmpty || results.contains(where: { $0.outcome == .published }) {
            var groups: [BuildRetention: [CatalogImage]] = [:]
            for image in images { groups[image.retention, default: []].append(image) }
            for group in groups.values.sorted(by: { $0[0].name < $1[0].name }) {
                try finish("repo prune", settings.pruning(group))
            }
        }
        try finish("repo refresh", settings.refreshing)
    }

    private mutating func finish(_ name: String, _ words: [String]) throws(RootcellarError) {
        guard !Interruption.isRequested else { return }
        let began = ContinuousClock.now
        let process = try NightlyProcess(words, settings: settings, log: work.log)
        var status: Int?
        while status == nil {
            if Interruption.isRequested { process.stop() }
            status = try process.status()
            if status == nil { usleep(20_000) }
        }
        guard let status, status != 0, !Interruption.isRequested else { return }
        let failure = process.failure(.publish, status: status)
        tell("\(name): failed: \(failure.errorClass.rawValue): \(failure.reason)")
        results.append(
            NightlyResult(
                name: name,
                outcome: .failed,
                failure: failure,
                why: "",
                milliseconds: Int((ContinuousClock.now - began) / .milliseconds(1)),
                log: work.log.string
            )
        )
    }
}
