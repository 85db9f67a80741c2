// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// Feeds a tar stream to a program that makes a file of it.
final class ProgramEncoder {
    private let name: String
    private let path: FilePath
    private let child: ChildProcess
    private let input: FileDescriptor

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - path: the file to make.
    ///   - isFilter: whether the program writes to its standard output; else it makes the file itself.
    init(
        _ path: FilePath,
        _ program: FilePath,
        _ arguments: [String],
        environment: [String: String] = [:],
        isFilter: Bool
    ) throws(RootcellarError) {
        self.path = path
        name = program.lastComponent?.string ?? program.string
        do {
            let target = try FileDescriptor.open(
                isFilter ? path : "/dev/null",
                .writeOnly,
                options: isFilter ? [.create, .truncate, .closeOnExec] : [.closeOnExec],
                permissions: FilePermissions(rawValue: 0o644)
            )
            defer { try? target.close() }
            let pipe = try makePipe()
            defer { try? pipe.reading.close() }
            let errors = try FileDescriptor.open(
                Self.errorPath(path),
                .readWrite,
                options: [.create, .truncate, .closeOnExec],
                permissions: .ownerReadWrite
            )
            defer { try? errors.close() }
            child = try ChildProcess(
                program,
                arguments,
                environment: environment.merging(["LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"]) { $1 },
                descriptors: [pipe.reading, target, errors]
            )
            input = pipe.writing
        } catch {
            throw RootcellarError(.build, "cannot start \(name): \(error)", subject: path.string)
        }
    }

    /// The encoder of a squashfs image.
    ///
    /// squashfs-tools writes reproducibly by default whatever the number of processors; all times come from the tar, and
    /// SOURCE_DATE_EPOCH gives the one of the file system itself. Blocks of 1 MiB, as upstream's images have them.
    /// Zstandard where nothing else is asked for, because every kernel and squashfs-tools since 2017 reads it and it packs
    /// many times faster than xz, at squashfs-tools' own level, 15. sqfstar 4.5.1 loses the argument of every -X option,
    /// so that levels go by mksquashfs, which reads a tar as well.
    static func squashfs(
        _ path: FilePath,
        compressor: String = "zstd",
        level: Int? = nil,
        epoch: Timestamp,
        threads: Int
    ) throws(RootcellarError) -> ProgramEncoder {
        let name = level == nil ? "sqfstar" : "mksquashfs"
        guard let program = findProgram(name) else {
            throw RootcellarError(.build, "\(name) is missing", hint: "install squashfs-tools 4.5 or newer")
        }
        removeFile(path)
        var arguments = [
            "-comp", compressor, "-b", "1M", "-no-progress", "-quiet", "-processors", "\(max(1, threads))",
        ]
        if let level {
            arguments = ["-", path.string, "-tar", "-noappend"] + arguments + ["-Xcompression-level", "\(level)"]
        } else {
            arguments.append(path.string)
        }
        return try ProgramEncoder(
            path,
            program,
            arguments,
            environment: ["SOURCE_DATE_EPOCH": String(epoch.seconds)],
            isFilter: false
        )
    }

    func write(_ bytes: RawSpan) throws(RootcellarError) {
        do throws(Errno) {
            try writeAll(input, bytes)
        } catch {
            throw failure((try? finishChild()) ?? -1)
        }
    }

    func finish() throws(RootcellarError) -> ImageDocument.File {
        let status = try finishChild()
        guard status == 0 else { throw failure(status) }
        removeErrors()
        return try HashedFile.read(path)
    }

    private func finishChild() throws(RootcellarError) -> Int {
        do {
            try input.close()
            return try child.wait()
        } catch {
            throw RootcellarError(.build, "\(name): \(error)", subject: path.string)
        }
    }

    private func failure(_ status: Int) -> RootcellarError {
        var text = [UInt8](repeating: 0, count: 2048)
        if let errors = try? FileDescriptor.open(Self.errorPath(path), .readOnly, options: [.closeOnExec]) {
            let count = (try? readBlock(errors, &text)) ?? 0
            text = Array(text.prefix(count))
            try? errors.close()
        }
        removeErrors()
        let said = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).last ?? "no message"
        return RootcellarError(.build, "\(name) ended with \(status): \(said)", subject: path.string)
    }

    private func removeErrors() { removeFile(Self.errorPath(path)) }

    private static func errorPath(_ path: FilePath) -> FilePath { FilePath(path.string + ".errors") }
}
