// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
import SystemPackage

/// Tests an image directory: the contract of its files, then every way to boot it that this machine has. The report is
/// written beside the image.
///
/// Runs in namespaces of its own: whatever is started or mounted here, and the network, is gone when this process is,
/// also if it is killed.
package struct ImageTester {
    private let options: TestOptions
    private let progress: @Sendable (String) -> Void
    private let now: Timestamp

    /// A test.
    ///
    /// - Parameters:
    ///   - now: the clock to judge dates by.
    ///   - progress: is told each trial as it ends.
    package init(options: TestOptions, now: Timestamp, progress: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.now = now
        self.progress = progress
    }

    /// Tests the image and writes `test.json` and `test.log`.
    ///
    /// - Throws: `TEST` if the test itself cannot be made; an image that fails is told by the report alone.
    package func run() throws(RootcellarError) -> TestReport {
        let clock = ContinuousClock()
        let start = clock.now
        let image = try TestedImage(options.image)
        let files = ReportFiles(image.directory)
        let logs = TrialLogs()
        let record = TrialRecord(TestReport.contract, log: try logs.open(TestReport.contract))
        let finish = Contract(image: image, record: record, now: now).run()
        var trials: [TestReport.Trial]
        do throws(RootcellarError) {
            trials =
                record.trial().outcome == .passed
                ? try boot(image, logs)
                : options.ways.map { TestReport.Trial(name: $0.rawValue, notRun: "the files are not in order") }
        } catch {
            finish()
            throw error
        }
        finish()
        trials.insert(record.trial(), at: 0)
        tell(trials[0])
        trials += TestOptions.Way.allCases.filter { !options.ways.contains($0) }
            .map { TestReport.Trial(name: $0.rawValue, notRun: "not asked for") }
        let report = try TestReport(
            image.document,
            image: image.reference,
            started: now,
            milliseconds: TrialRecord.milliseconds(clock.now - start),
            host: Self.host(),
            trials: trials
        )
        try files.write(report, log: logs.text())
        return report
    }

    private func boot(_ image: TestedImage, _ logs: TrialLogs) throws(RootcellarError) -> [TestReport.Trial] {
        let host = Self.host()
        guard image.isNative(host["machine"] ?? "") else {
            let reason = "the image is for \(image.name.architecture), this machine is \(host["machine"] ?? "another")"
            return options.ways.map { TestReport.Trial(name: $0.rawValue, notRun: reason) }
        }
        let log = try logs.open("place")
        // Two copies for LXC, and for a daemon the squashfs, the unpacked image and the container.
        let bytes = 4 * (image.document.tar.unpackedBytes + 4096 * image.document.tar.entries) + (512 << 20)
        let ground = try TestGround(bytes: bytes, onDisk: options.usesDisk, log: log)
        defer { ground.leave() }
        let tool = Tool(scratch: ground.top, environment: Tool.environment(home: ground.top), log: log)
        let network = try TestNetwork(ground, tool: tool)
        let results = TrialResults()
        var threads: [WorkerThread] = []
        for way in options.ways {
            let record = TrialRecord(way.rawValue, log: try logs.open(way.rawValue))
            let tool = Tool(scratch: ground.top, environment: tool.environment, log: record.log)
            // Waiting is most of it, so all go side by side.
            threads.append(
                WorkerThread {
                    let trial = Self.boot(image, way, ground, network, tool, record, options.bootSeconds)
                    results.add(trial)
                    tell(trial)
                }
            )
        }
        for thread in threads { thread.join() }
        return options.ways.compactMap { way in results.trials.first { $0.name == way.rawValue } }
    }

    private static func boot(
        _ image: TestedImage,
        _ way: TestOptions.Way,
        _ ground: TestGround,
        _ network: TestNetwork,
        _ tool: Tool,
        _ record: TrialRecord,
        _ bootSeconds: Int
    ) -> TestReport.Trial {
        // Of characters that every kind of host name may have, and different for each way.
        let name = "probe-\(way.rawValue)"
        let container: (any BootedContainer)?
        switch way {
        case .lxc, .lxcUnprivileged:
            record.program = LXCContainer.version(tool)
            container =
                record.program == nil
                ? nil
                : LXCContainer(
                    name: name,
                    image: image,
                    tool: tool,
                    ground: ground,
                    isUnprivileged: way == .lxcUnprivileged
                )
        case .lxd, .incus:
            let daemon = DaemonContainer(
                way == .lxd ? .lxd : .incus,
                name: name,
                image: image,
                ground: ground,
                tool: tool
            )
            record.program = daemon?.version
            container = daemon
        }
        guard let container else {
            let title = [.lxc: "LXC", .lxcUnprivileged: "LXC", .lxd: "LXD"][way] ?? "Incus"
            return TestReport.Trial(name: way.rawValue, notRun: "\(title) is not installed")
        }
        let isCloud = image.name.variant.hasPrefix("cloud")
        BootTrial(
            container: container,
            network: network,
            record: record,
            isCloud: isCloud,
            bootSeconds: bootSeconds
        ).run()
        return record.trial()
    }

    private func tell(_ trial: TestReport.Trial) {
        let seconds = "\(trial.milliseconds / 1000).\(trial.milliseconds % 1000 / 100) s"
        progress("\(trial.name): \(trial.outcome.rawValue)\(trial.reason.map { ": \($0)" } ?? " in \(seconds)")")
    }

    private static func host() -> [String: String] {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return [:] }
        func text<Field>(_ field: Field) -> String {
            unsafe withUnsafeBytes(of: field) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        return ["kernel": text(names.release), "machine": text(names.machine)]
    }
}
