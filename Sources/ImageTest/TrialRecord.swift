// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// Notes what one trial looks at, how long it takes, and what is printed meanwhile.
///
/// `@unchecked Sendable`: used by one thread, which whoever made it joins before looking at it.
final class TrialRecord: @unchecked Sendable {
    let name: String
    /// What boots the image, with its version.
    var program: String?
    /// Takes everything that programs print.
    let log: FileDescriptor
    private var checks: [TestReport.Check] = []
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    init(_ name: String, log: FileDescriptor) {
        self.name = name
        self.log = log
        start = clock.now
    }

    /// Looks at one thing. What `body` returns is told as seen.
    ///
    /// - Returns: whether it is as it has to be; what could not be looked at does not count against the image.
    @discardableResult
    func check(_ name: String, _ body: () throws(CheckFault) -> String?) -> Bool {
        note("\(name)")
        let begin = clock.now
        var outcome = TestReport.Outcome.passed
        var detail: String?
        do throws(CheckFault) {
            detail = try body()
        } catch {
            switch error {
            case .failed: outcome = .failed
            case .notRun: outcome = .notRun
            }
            detail = error.reason
        }
        let text = detail.map { printable($0, limit: 400) }
        let milliseconds = Self.milliseconds(clock.now - begin)
        checks.append(TestReport.Check(name: name, outcome: outcome, milliseconds: milliseconds, detail: text))
        note("\(name): \(outcome.rawValue)\(text.map { ": \($0)" } ?? "") (\(milliseconds) ms)")
        return outcome != .failed
    }

    /// What came of it.
    func trial() -> TestReport.Trial {
        TestReport.Trial(
            name: name,
            program: program,
            milliseconds: Self.milliseconds(clock.now - start),
            checks: checks
        )
    }

    /// Writes a line of ours into the log.
    func note(_ text: String) {
        let bytes = Array("== \(name): \(printable(text))\n".utf8)
        unsafe try? writeAll(log, bytes.span.bytes)
    }

    static func milliseconds(_ duration: Duration) -> Int {
        let parts = duration.components
        return Int(parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000)
    }
}
