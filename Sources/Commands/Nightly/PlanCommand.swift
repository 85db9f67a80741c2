// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ClientCommands
import Definition
import Model
import Nightly
import SystemPackage

/// `rootcellar plan`.
package struct PlanCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what of a catalogue is due to be built, and why",
        discussion: """
            Nothing is changed and no key is needed. With --architecture or --label only what such a machine may build is \
            listed. --format makes a list of jobs for GitHub, GitLab or Buildbot instead: of what is due, or with --all of \
            everything; each job builds and tests, and publishes if --keys is given, or with --to sends what it has built \
            to where the keys are.
            """
    )

    /// One image for `--json`.
    private struct Row: Encodable {
        var name: String
        var definition: String
        var options: [String]
        var labels: [String]
        var schedule: String
        var due: Bool
        var reasons: [DueDecision.Reason]
        /// Since when it is due, or when it will be.
        var time: Timestamp
        var published: Serial?
        var attempt: NightlyState.Attempt?

        init(_ row: BuildPlan.Row) {
            name = row.image.name.path
            definition = row.image.definition
            options = row.image.overrides
            labels = row.image.labels
            schedule = row.image.schedule.description
            due = row.decision.isDue
            reasons = row.decision.reasons
            time = row.decision.time
            published = row.published?.serial
            attempt = row.attempt
        }
    }

    private struct Output: Encodable {
        var format = documentFormat
        var now: Timestamp
        var images: [Row]
        var faults: [String]
    }

    @OptionGroup private var options: CatalogOptions
    @Option(help: "The working directory of 'rootcellar nightly', to know of attempts that failed.")
    private var work: String?
    @Option(help: "A list of jobs for github, gitlab or buildbot.") private var format: JobList?
    @Flag(help: "List the jobs of all images, not only of those that are due.") private var all = false
    @Option(help: "The publisher's keys, for jobs that publish into the tree.") private var keys: String?
    @OptionGroup private var destination: UploadDestination
    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func validate() throws {
        if json, format != nil { throw ValidationError("--json and --format contradict each other") }
        if format == nil, all || keys != nil || destination.to != nil {
            throw ValidationError("--all, --keys and --to are for --format")
        }
        if keys != nil, destination.to != nil {
            throw ValidationError(
                "--keys and --to contradict each other: jobs publish themselves, or send their images"
            )
        }
    }

    package func run() throws {
        let now = currentTime()
        let state = try work.map { work throws(RootcellarError) in
            try NightlyWork.state(below: FilePath(work))
        }
        let loaded = try options.load(machine: options.machine(), state: state ?? NightlyState(), now: now)
        if let format {
            let rows = all ? loaded.plan.rows : loaded.plan.due
            let publish = keys.map { ["--repo", options.repo, "--keys", $0] } ?? destination.words
            say(try format.text(rows.map { BuildJob($0, publish: publish) }))
        } else if json {
            let output = Output(
                now: now,
                images: loaded.plan.rows.map(Row.init),
                faults: loaded.faults.map(\.description)
            )
            try sayJSON(output)
        } else {
            let rows = loaded.plan.rows.map { row in
                [
                    row.image.name.path, row.decision.isDue ? "due" : "-",
                    row.published?.serial.description ?? "-", row.explanation,
                ]
            }
            say(table([["IMAGE", "DUE", "PUBLISHED", "WHY, OR WHEN"]] + rows))
        }
        for fault in loaded.faults.dropFirst() { tell("rootcellar: warning: \(fault.description)") }
        if let first = loaded.faults.first { throw first }
    }
}

extension JobList: ExpressibleByArgument {}
