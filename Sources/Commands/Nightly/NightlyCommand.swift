// SPDX-License-Identifier: Apache-2.0

import Archive
package import ArgumentParser
import Client
import ClientCommands
import Glibc
import ImageTest
import Model
import Nightly
import SystemPackage

/// `rootcellar nightly`.
package struct NightlyCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "nightly",
        abstract: "Build, test and publish what of a catalogue is due on this machine",
        discussion: """
            Each image is built, tested and published by processes of its own; what fails keeps nothing else from being \
            done. Then old builds are taken away as the catalogue says, and the pointer is signed once more. A run that was \
            killed is gone on with by the next. Where there are no keys, --to sends the images to where they are, and the rest \
            is done there; --repo is a copy of the tree then, which says what is due. Logs are on standard error and, of each image, below --work; the table on \
            standard output. Needs root, as 'rootcellar test' does.
            """
    )

    @OptionGroup private var options: CatalogOptions
    @Option(help: "The directory of the publisher's keys.") private var keys: String?
    @Option(help: "A file whose first line is their passphrase; readable by its owner alone.")
    private var passphraseFile: String?
    @OptionGroup private var destination: UploadDestination
    @Option(help: "A directory of its own, with a place for each image and what is remembered.") private var work:
        String
    @Option(help: "How many images are worked on side by side.") private var jobs = 1
    @Option(help: "How many seconds one step of an image may take.") private var stepTimeout = 7200
    @Option(help: "How many threads each encoder of a build may use.") private var threads: Int?
    @Option(help: "Where builds keep packages, instead of the usual directory.") private var cache: String?
    @Option(help: "Boot images in this way alone: lxc, lxc-unprivileged, lxd or incus; may be repeated.")
    private var testOnly: [TestOptions.Way] = []
    @Option(help: "How many seconds an image may take to boot.") private var bootTimeout: Int?
    @Option(help: "Make patches from this many of the builds of an image that are published.") private var deltas: Int?
    @Flag(help: "Publish images that have a source which nobody verified.") private var allowTainted = false
    @Flag(help: "Change nothing, only say what would be done.") private var dryRun = false
    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func validate() throws {
        guard (keys == nil) != (destination.to == nil) else {
            throw ValidationError("give --keys to publish, or --to to send images to where they are")
        }
        guard keys != nil || (passphraseFile == nil && deltas == nil && !allowTainted) else {
            throw ValidationError("--passphrase-file, --deltas and --allow-tainted are for whoever has the keys")
        }
        guard (1...64).contains(jobs) else { throw ValidationError("--jobs needs 1 to 64") }
        guard (1...604_800).contains(stepTimeout) else {
            throw ValidationError("--step-timeout needs 1 to 604800 seconds")
        }
    }

    package func run() throws {
        let machine = try options.thisMachine()
        if dryRun { return try announce(options.load(machine: machine, state: state(), now: currentTime())) }
        guard geteuid() == 0 else {
            throw RootcellarError(.policy, "images are tested by root", hint: "run the command as root")
        }
        Interruption.catchSignals()
        let work = try NightlyWork(FilePath(self.work))
        let loaded = try options.load(machine: machine, state: work.state, now: currentTime())
        var run = NightlyRun(try settings(), work, latest: loaded.latest)
        let report = try run.run(loaded.plan, faults: loaded.faults)
        if json { try sayJSON(report) } else { report.print() }
        if let signal = Interruption.signal {
            tell("rootcellar: interrupted; the next run goes on from here")
            // A service manager takes an end by the signal it has sent for a clean one (systemd.service(5)).
            Glibc.signal(signal, SIG_DFL)
            raise(signal)
        }
        if let fault = report.fault { throw fault }
    }

    private func state() throws(RootcellarError) -> NightlyState { try NightlyWork.state(below: FilePath(work)) }

    private func announce(_ loaded: CatalogOptions.Loaded) throws {
        struct Output: Encodable {
            var format = documentFormat
            var due: [String: String]
            var faults: [String]
        }
        let due = loaded.plan.due
        if json {
            let reasons = due.map { ($0.image.name.path, $0.explanation) }
            try sayJSON(
                Output(due: Dictionary(uniqueKeysWithValues: reasons), faults: loaded.faults.map(\.description))
            )
        } else {
            for row in due { say("would build \(row.image.name): \(row.explanation)") }
        }
        for fault in loaded.faults.dropFirst() { tell("rootcellar: warning: \(fault.description)") }
        if let first = loaded.faults.first { throw first }
    }

    private func settings() throws(RootcellarError) -> NightlySettings {
        guard let program = try? FilePath("/proc/self/exe").symbolicLinkTarget() else {
            throw RootcellarError(.internal, "cannot find the own program", subject: "/proc/self/exe")
        }
        return NightlySettings(
            program: program,
            target: keys.map { .tree(options.repo, keys: $0, passphraseFile: passphraseFile) }
                ?? .server(destination.words),
            threads: threads,
            cache: cache,
            trials: testOnly.map(\.rawValue),
            bootSeconds: bootTimeout,
            deltas: deltas,
            allowsTaints: allowTainted,
            stepSeconds: stepTimeout,
            jobs: jobs
        )
    }
}
