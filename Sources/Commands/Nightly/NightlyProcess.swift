// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Glibc
import Model
import Nightly
import SystemPackage

/// One command of ours as a process of its own, so that it can be killed, hang or fail without anything else. It ends when
/// this process does, however that ends.
final class NightlyProcess {
    private static let grace: Duration = .seconds(15)

    private let child: ChildProcess
    private let log: FilePath
    private let limit: ContinuousClock.Instant
    private let seconds: Int
    private var killAfter: ContinuousClock.Instant?
    private var isOverdue = false

    /// Starts it. What it says goes to the end of a log.
    ///
    /// - Throws: `POLICY` if it cannot be started.
    init(_ words: [String], settings: NightlySettings, log: FilePath) throws(RootcellarError) {
        self.log = log
        seconds = settings.stepSeconds
        limit = ContinuousClock.now + .seconds(seconds)
        do throws(Errno) {
            let null = try openPath("/dev/null", .readOnly)
            defer { null.closeQuietly() }
            let file = try openPath(log, .writeOnly, [.create, .append, .noFollow])
            defer { file.closeQuietly() }
            let title = Array("== rootcellar \(JobList.quoted(words))\n".utf8)
            unsafe try writeAll(file, title.span.bytes)
            child = try ChildProcess(
                settings.program,
                words,
                environment: ProcessInfo.processInfo.environment.merging(ParentProcess.environment) { $1 },
                descriptors: [null, file, file]
            )
        } catch {
            throw systemError(.policy, "cannot start a command", error, subject: settings.program.string)
        }
    }

    /// The exit status; nil while it runs. One that takes too long is stopped here.
    func status() throws(RootcellarError) -> Int? {
        let now = ContinuousClock.now
        if now > limit, killAfter == nil {
            isOverdue = true
            stop()
        }
        if let killAfter, now > killAfter { child.signal(SIGKILL) }
        do throws(Errno) { return try child.status() } catch {
            throw systemError(.internal, "cannot wait for a command", error, subject: log.string)
        }
    }

    /// Asks it to end; where it does not, it is killed after a while.
    func stop() {
        guard killAfter == nil else { return }
        killAfter = ContinuousClock.now + Self.grace
        child.signal(SIGTERM)
    }

    /// Why it failed, by its status and its last words.
    func failure(_ step: NightlyState.Step, status: Int) -> NightlyState.Failure {
        let usual: ErrorClass =
            switch step {
            case .build: .build
            case .test: .test
            case .publish: .repository
            }
        if isOverdue {
            return NightlyState.Failure(step: step, errorClass: usual, reason: "not done after \(seconds) s")
        }
        if status > 128 {
            return NightlyState.Failure(step: step, errorClass: usual, reason: "ended by signal \(status - 128)")
        }
        let errorClass = ErrorClass.allCases.first { $0.exitStatus == status } ?? usual
        return NightlyState.Failure(
            step: step,
            errorClass: errorClass,
            reason: lastWords(errorClass) ?? "ended with status \(status)"
        )
    }

    /// What the line of the error says after its class.
    private func lastWords(_ errorClass: ErrorClass) -> String? {
        guard let file = try? openPath(log, .readOnly), let size = try? file.status().size else { return nil }
        defer { file.closeQuietly() }
        let count = min(size, 16 << 10)
        guard let bytes = try? readAt(file, size - count, count) else { return nil }
        let start = "rootcellar: \(errorClass.rawValue): "
        let line = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).last {
            $0.hasPrefix(start)
        }
        return line.map { printable(String($0.dropFirst(start.count))) }
    }
}
