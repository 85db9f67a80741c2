// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Builder
import ClientCommands
import Glibc
import ImageTest
import Model
import SystemPackage

/// `rootcellar test`.
package struct TestCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Boot an image before it is published, and look whether it works",
        discussion: """
            The files are checked against what they promise, then booted by LXC (privileged and unprivileged), LXD and Incus, \
            as far as they are installed, in a network of their own. The results go into test.json and test.log of the image \
            directory and hold for just these files; 'rootcellar publish' asks for them. Needs root.
            """
    )

    @Argument(help: "The image directory.") private var image: String
    @Option(help: "Boot in this way alone: lxc, lxc-unprivileged, lxd or incus; may be repeated.")
    private var only: [TestOptions.Way] = []
    @Option(help: "How many seconds an image may take to boot.") private var timeout = 120
    @Flag(help: "Print the report as JSON.") private var json = false
    @Flag(help: "Print nothing but what is wrong.") private var quiet = false

    package init() {}

    package func validate() throws {
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout needs 1 to 3600 seconds") }
        if json, quiet { throw ValidationError("--json and --quiet contradict each other") }
    }

    package func run() throws {
        guard geteuid() == 0 else {
            throw RootcellarError(.policy, "containers are booted by root", hint: "run the command as root")
        }
        try RootlessEntry.enter(.root, arguments: CommandLine.arguments, network: true)
        var options = TestOptions(image: FilePath(image))
        if !only.isEmpty { options.ways = TestOptions.Way.allCases.filter(only.contains) }
        options.bootSeconds = timeout
        let isQuiet = quiet
        let report = try ImageTester(options: options, now: currentTime()) { if !isQuiet { tell($0) } }.run()
        if json { try sayJSON(report) } else if !quiet { print(report) }
        if let fault = report.fault {
            throw RootcellarError(.test, fault, subject: image, hint: "the whole story is in test.log there")
        }
    }

    private func print(_ report: TestReport) {
        for trial in report.trials {
            say("\(trial.name): \(trial.outcome.rawValue)\((trial.reason ?? trial.program).map { " (\($0))" } ?? "")")
            for check in trial.checks {
                let detail = check.detail.map { ": \($0)" } ?? ""
                say("  \(check.name): \(check.outcome.rawValue)\(detail) (\(check.milliseconds) ms)")
            }
        }
    }
}

extension TestOptions.Way: ExpressibleByArgument {}
