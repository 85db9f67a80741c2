// SPDX-License-Identifier: Apache-2.0

import Client
import Glibc
import SystemPackage

/// Shows on standard error how far a transfer is: one line that is drawn anew on a terminal, a plain line every five
/// seconds anywhere else.
package final class ProgressMeter {
    /// How often the line is drawn on a terminal, and how often one is written elsewhere.
    private static let redraw: Duration = .milliseconds(200)
    private static let interval: Duration = .seconds(5)

    private let isTerminal: Bool
    private var begin: (time: ContinuousClock.Instant, bytes: Int)?
    private var last: ContinuousClock.Instant?
    private var isDrawn = false

    /// A meter that has shown nothing.
    package init() {
        let terminal = unsafe getenv("TERM").map { unsafe String(cString: $0) } ?? "dumb"
        isTerminal = isatty(STDERR_FILENO) == 1 && terminal != "dumb"
    }

    /// Says everything: progress on standard output, warnings on standard error, and here how far a download is.
    var narrator: Narrator {
        Narrator(
            progress: { line in
                self.end()
                say(line)
            },
            warn: { line in
                self.end()
                tell("rootcellar: warning: \(line)")
            },
            amount: { self.show($0, of: $1) }
        )
    }

    /// Takes how many bytes there are of how many.
    package func show(_ bytes: Int, of total: Int) {
        let now = ContinuousClock.now
        guard let begin else {
            self.begin = (now, bytes)
            last = now
            return
        }
        guard let last, now - last >= (isTerminal ? Self.redraw : Self.interval) else { return }
        self.last = now
        let line = Self.line(bytes, of: total, since: begin.bytes, in: now - begin.time, bar: isTerminal)
        if isTerminal {
            draw("\r\(line)\u{1B}[K")
            isDrawn = true
        } else {
            tell("rootcellar: \(line)")
        }
    }

    /// Takes a drawn line away, so that others can be written.
    package func end() {
        begin = nil
        last = nil
        guard isDrawn else { return }
        draw("\r\u{1B}[K")
        isDrawn = false
    }

    private func draw(_ text: String) { _ = try? FileDescriptor.standardError.writeAll(Array(text.utf8)) }

    /// `[=====>    ]  52 %  107 of 205 MB  9.8 MB/s  10 s left`, the bar on a terminal only.
    static func line(_ bytes: Int, of total: Int, since start: Int, in time: Duration, bar: Bool) -> String {
        let (seconds, attoseconds) = time.components
        let elapsed = Double(seconds) + Double(attoseconds) / 1e18
        let rate = elapsed > 0 ? Double(bytes - start) / elapsed : 0
        let done = min(1, Double(bytes) / Double(max(1, total)))
        var parts = ["\(Int(done * 100)) %", "\(megabytes(Double(bytes))) of \(megabytes(Double(total))) MB"]
        parts.append("\(megabytes(rate)) MB/s")
        if rate > 0 { parts.append("\(duration(Double(total - bytes) / rate)) left") }
        guard bar else { return parts.joined(separator: ", ") }
        let width = 24
        let filled = Int(done * Double(width))
        let rest = String(repeating: " ", count: max(0, width - filled - 1))
        let arrow = String(repeating: "=", count: filled) + (filled < width ? ">" : "") + rest
        return "[\(arrow)] " + parts.joined(separator: "  ")
    }

    /// Millions of bytes with one digit after the point.
    private static func megabytes(_ bytes: Double) -> String {
        let tenths = Int(min(bytes, 1e15) / 100_000)
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int(min(seconds, 359_999).rounded(.up))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole / 60 % 60) min"
    }
}
