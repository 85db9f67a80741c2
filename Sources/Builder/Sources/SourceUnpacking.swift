// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import Synchronization
import SystemPackage

/// Puts the content of a verified file into a directory: tar in any of the usual compressions, by the same confined reader
/// that unpacks images for containers, or squashfs.
struct SourceUnpacking {
    let file: FetchedFile
    let log: BuildLog

    /// The most bytes that an image may have unpacked.
    private static let limit = 64 << 30

    /// Unpacks into an empty directory, which is made if it is not there.
    ///
    /// - Returns: the newest time of what was in it, and not later than now.
    /// - Throws: `SOURCE` for what is no archive or a bad one.
    func run(into directory: FilePath) throws(RootcellarError) -> Timestamp {
        try makeHostDirectory(directory)
        return try log.step("unpack \(file.name)") { () throws(RootcellarError) in
            try SourceFetch.sourcing { () throws(RootcellarError) in try unpack(directory) }
        }
    }

    private func unpack(_ directory: FilePath) throws(RootcellarError) -> Timestamp {
        let magic = try building("read", file.path.string) { () throws(Errno) in
            try readStart(file.path, count: 512)
        }
        if magic.starts(with: "hsqs".utf8) {
            return try Squashfs(path: file.path, name: file.name, log: log).unpack(into: directory)
        }
        if let compression = Compression(magic: magic) {
            let source = file.path
            return try readTar(directory) { output throws(RootcellarError) in
                let input = try building("open", source.string) { () throws(Errno) in try openPath(source, .readOnly) }
                defer { input.closeQuietly() }
                try compression.decompress(input, to: output, limit: Self.limit, ratio: 1000)
            }
        }
        for (start, program, package, arguments) in Self.programs where magic.starts(with: start) {
            let path = try HostProgram.require(program, package: package)
            let source = file.path
            return try readTar(directory) { output throws(RootcellarError) in
                let status = try building("run", path.string) { () throws(Errno) in
                    let input = try openPath(source, .readOnly)
                    defer { input.closeQuietly() }
                    let null = try openPath("/dev/null", .writeOnly)
                    defer { null.closeQuietly() }
                    return try ChildProcess(path, arguments, descriptors: [input, output, null]).wait()
                }
                guard status == 0 else {
                    throw RootcellarError(.archive, "\(program) ended with status \(status)", subject: source.string)
                }
            }
        }
        guard magic.count > 262, magic[257...].starts(with: "ustar".utf8) else {
            throw RootcellarError(.archive, "neither a tar nor a squashfs image", subject: file.name)
        }
        let input = try building("open", file.path.string) { () throws(Errno) in try openPath(file.path, .readOnly) }
        defer { input.closeQuietly() }
        return try TarUnpacking.run(tar: input, into: directory)
    }

    private static let programs: [(start: [UInt8], program: String, package: String, arguments: [String])] = [
        (Array("BZh".utf8), "bzip2", "bzip2", ["-dc"]),
        ([0x04, 0x22, 0x4D, 0x18], "lz4", "lz4", ["-dc"]),
        ([0x5D, 0x00, 0x00], "xz", "xz-utils", ["-dc", "--format=lzma"]),
        (Array("LZIP".utf8), "lzip", "lzip", ["-dc"]),
    ]

    /// Reads a tar while another thread makes it.
    private func readTar(
        _ directory: FilePath,
        _ produce: @escaping @Sendable (FileDescriptor) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> Timestamp {
        let pipe = try building("make a pipe", "") { () throws(Errno) in try makePipe() }
        let failure = Failure()
        let thread = WorkerThread {
            do throws(RootcellarError) { try produce(pipe.writing) } catch { failure.value.withLock { $0 = error } }
            pipe.writing.closeQuietly()
        }
        let result: Result<Timestamp, RootcellarError>
        do throws(RootcellarError) {
            result = .success(try TarUnpacking.run(tar: pipe.reading, into: directory))
        } catch {
            result = .failure(error)
        }
        // A reader that gave up must not leave the other side waiting.
        pipe.reading.closeQuietly()
        thread.join()
        if case .success = result, let error = failure.value.withLock({ $0 }) { throw error }
        return try result.get()
    }

    private final class Failure: Sendable {
        let value = Mutex<RootcellarError?>(nil)
    }
}

/// Reads a tar into a directory and tells the newest time in it.
enum TarUnpacking {
    static func run(tar: FileDescriptor, into directory: FilePath) throws(RootcellarError) -> Timestamp {
        let root = try building("open", directory.string) { () throws(Errno) in
            try openPath(directory, .readOnly, .directory)
        }
        defer { root.closeQuietly() }
        let reader = unsafe TarReader { buffer throws(RootcellarError) in
            do throws(Errno) {
                return try unsafe readSome(tar, buffer)
            } catch {
                throw systemError(.archive, "cannot read the archive", error, subject: "")
            }
        }
        let writer = RootfsWriter(root: root)
        var newest: Int64 = 0
        while let entry = try reader.next() {
            newest = max(newest, entry.modified)
            try writer.write(entry, from: reader)
        }
        guard reader.entries > 0 else { throw RootcellarError(.archive, "an archive without members") }
        try writer.finish()
        return Timestamp(seconds: min(newest, Int64(time(nil))))
    }
}
