// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Writes the two files of a test: each is there whole or not at all, the report last.
struct ReportFiles {
    private let directory: FilePath

    init(_ directory: FilePath) { self.directory = directory }

    func write(_ report: TestReport, log: [UInt8]) throws(RootcellarError) {
        let bytes = try report.canonicalBytes()
        // A former report must not stand beside a log that is not its own.
        removeFile(directory.appending(TestReport.fileName))
        try write(log, TestReport.logName)
        try write(bytes, TestReport.fileName)
    }

    private func write(_ bytes: [UInt8], _ name: String) throws(RootcellarError) {
        let path = directory.appending(name)
        let temporary = directory.appending(".\(name).partial")
        do throws(Errno) {
            let file = try openPath(temporary, .writeOnly, [.create, .truncate, .noFollow])
            defer { file.closeQuietly() }
            unsafe try writeAll(file, bytes.span.bytes)
            try file.changeMode(0o644)
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            let result = unsafe temporary.withPlatformString { from in
                unsafe path.withPlatformString { to in unsafe rename(from, to) }
            }
            guard result == 0 else { throw Errno(rawValue: errno) }
            let parent = try openPath(directory, .readOnly, .directory)
            defer { parent.closeQuietly() }
            _ = fsync(parent.rawValue)
        } catch {
            removeFile(temporary)
            throw systemError(.test, "cannot write", error, subject: path.string)
        }
    }
}
