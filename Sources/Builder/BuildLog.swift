// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
package import Model
package import SystemPackage

/// `build.log`: what was done when, and everything that programs printed. The programs write into the same file.
package final class BuildLog {
    /// The log's file.
    package let path: FilePath
    /// Open for appending; given to programs as their output.
    let descriptor: FileDescriptor
    private let progress: @Sendable (String) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    /// Makes a new, empty log. `progress` is told each step.
    ///
    /// - Throws: `BUILD` if the file cannot be made.
    package init(_ path: FilePath, progress: @escaping @Sendable (String) -> Void) throws(RootcellarError) {
        self.path = path
        self.progress = progress
        start = clock.now
        descriptor = try building("make the log", path.string) { () throws(Errno) in
            try openPath(path, .writeOnly, [.create, .exclusiveCreate, .append])
        }
    }

    deinit { try? descriptor.close() }

    /// Notes one line.
    package func note(_ text: String) {
        let time = Timestamp(seconds: Int64(Date.now.timeIntervalSince1970))
        let bytes = Array("== \(time) \(printable(text))\n".utf8)
        unsafe try? writeAll(descriptor, bytes.span.bytes)
    }

    /// Does one step of the build and tells how long it took.
    package func step<Result>(
        _ name: String,
        _ body: () throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        note("begin: \(name)")
        let start = clock.now
        do throws(RootcellarError) {
            let result = try body()
            let took = seconds(clock.now - start)
            note("done: \(name) (\(took) s)")
            progress("\(name): \(took) s")
            return result
        } catch {
            note("failed: \(name): \(error)")
            throw error
        }
    }

    /// How many bytes there are by now.
    func position() -> Int { (try? descriptor.status().size) ?? 0 }

    /// The last lines written since `position`, at most `count`, made printable.
    func tail(since position: Int, lines count: Int = 20) -> [String] {
        guard let file = try? openPath(path, .readOnly) else { return [] }
        defer { try? file.close() }
        let window = 16 << 10
        let begin = max(position, self.position() - window)
        guard (try? file.seek(offset: Int64(begin), from: .start)) != nil,
            let bytes = try? readAll(file, limit: 4 * window)
        else { return [] }
        let lines = bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
        return lines.suffix(count).map { printable(String(decoding: $0, as: UTF8.self), limit: 400) }
    }

    private func seconds(_ duration: Duration) -> String {
        let tenths = (duration.components.seconds * 10) + duration.components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
