// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
import SystemPackage

/// What each trial prints, in a file without a name, so that trials that run side by side do not mix.
final class TrialLogs {
    private var files: [(name: String, file: FileDescriptor)] = []

    /// The most bytes that are kept of one trial.
    private static let limit = 4 << 20

    deinit { for (_, file) in files { file.closeQuietly() } }

    /// A new log, for appending.
    func open(_ name: String) throws(RootcellarError) -> FileDescriptor {
        let file = FileDescriptor(rawValue: unsafe clinux_memory_file("log"))
        guard file.rawValue >= 0 else {
            throw systemError(.test, "cannot make a log", Errno(rawValue: errno), subject: name)
        }
        files.append((name, file))
        return file
    }

    /// All of them, one after the other.
    func text() -> [UInt8] {
        var result: [UInt8] = []
        for (name, file) in files {
            var bytes = [UInt8](repeating: 0, count: Self.limit)
            _ = try? file.seek(offset: 0, from: .start)
            let count = (try? readBlock(file, &bytes)) ?? 0
            guard count > 0 else { continue }
            result += Array("==== \(name)\n".utf8) + bytes.prefix(count)
            if result.last != 0x0A { result.append(0x0A) }
            if count == Self.limit { result += Array("==== the rest is left out\n".utf8) }
        }
        return result
    }
}
