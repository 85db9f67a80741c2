// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// What was done and what was refused: one line each, on the disk before the deed. Each line begins with a hash of the one
/// before, so that none can be taken out or changed unseen.
package struct AuditLog: Sendable {
    package let path: FilePath

    /// A log at a path, where there may be none yet.
    package init(path: FilePath) { self.path = path }

    private static let lineLimit = 4096
    private static let beginning = String(repeating: "0", count: 64)

    /// Adds a line.
    ///
    /// - Throws: `POLICY` if it cannot be written: then what it is about may not be done.
    package func append(_ text: String, now: Timestamp) throws(RootcellarError) {
        do {
            let file = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .append, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
            try file.closeAfter {
                guard flock(file.rawValue, LOCK_EX) == 0 else { throw Errno(rawValue: errno) }
                let last = try Self.lastLine(file)
                if last == nil { try takeOwner(file) }
                let previous = last.map { SHA256Digest(hashing: $0).description } ?? Self.beginning
                let line = "\(previous) \(now) \(printable(text))"
                try file.writeAll(Array(line.utf8.prefix(Self.lineLimit - 1)) + [0x0A])
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch {
            throw RootcellarError(
                .policy,
                "nothing is done, because the audit log cannot be written (\(error))",
                subject: path.string
            )
        }
    }

    /// A new log belongs to whoever its directory belongs to, who may not be the one that has something to say first.
    private func takeOwner(_ file: FileDescriptor) throws {
        let parent = path.removingLastComponent()
        let directory = try openPath(parent.isEmpty ? "." : parent, .readOnly, .directory)
        defer { directory.closeQuietly() }
        try file.give(toOwnerOf: directory)
    }

    /// The last line without its line feed. A line that a crash has cut is ended first, so that it stays by itself.
    private static func lastLine(_ file: FileDescriptor) throws -> [UInt8]? {
        let size = try file.seek(offset: 0, from: .end)
        guard size > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: Int(min(size, Int64(lineLimit))))
        let start = size - Int64(buffer.count)
        let count = try unsafe buffer.withUnsafeMutableBytes { bytes in
            try unsafe file.read(fromAbsoluteOffset: start, into: bytes)
        }
        var bytes = buffer.prefix(count)
        if bytes.last == 0x0A {
            bytes.removeLast()
        } else {
            try file.writeAll([0x0A])
        }
        return Array(bytes.suffix(from: bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? bytes.startIndex))
    }

    /// Every line in order, without the hashes.
    ///
    /// - Throws: `POLICY` if a line was changed or is missing, `REPOSITORY` if the log cannot be read.
    package func lines() throws(RootcellarError) -> [String] {
        let bytes: [UInt8]
        do throws(Errno) { bytes = try readFile(path) } catch Errno.noSuchFileOrDirectory { return [] } catch {
            throw RootcellarError(.repository, "cannot be read (\(error))", subject: path.string)
        }
        var previous = Self.beginning
        var result: [String] = []
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            guard line.starts(with: Array("\(previous) ".utf8)) else {
                throw RootcellarError(
                    .policy,
                    "line \(number + 1) does not follow the one before: the log was changed",
                    subject: path.string,
                    hint: "compare it with a copy"
                )
            }
            previous = SHA256Digest(hashing: Array(line)).description
            result.append(String(decoding: line.dropFirst(65), as: UTF8.self))
        }
        return result
    }
}
