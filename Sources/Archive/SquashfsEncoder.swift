// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// Feeds a tar stream to sqfstar(1) of squashfs-tools.
///
/// squashfs-tools writes reproducibly by default whatever the number of processors; all times come from the tar, and
/// SOURCE_DATE_EPOCH gives the one of the file system itself.
struct SquashfsEncoder {
    private let path: FilePath
    private let child: ChildProcess
    private let input: FileDescriptor

    /// Blocks of 1 MiB, as upstream's images have them; Zstandard, because every kernel and squashfs-tools since 2017
    /// reads it and it packs many times faster than xz. At squashfs-tools' own level, 15: sqfstar 4.5.1 cannot be given
    /// another, because it loses the argument of every -X option.
    init(_ path: FilePath, epoch: Timestamp, threads: Int) throws(RootcellarError) {
        self.path = path
        guard let program = findProgram("sqfstar") else {
            throw RootcellarError(.build, "sqfstar is missing", hint: "install squashfs-tools 4.5 or newer")
        }
        do {
            try? FileDescriptor.open(path, .writeOnly, options: [.truncate]).close()
            let pipe = try makePipe()
            defer { try? pipe.reading.close() }
            let null = try unsafe FileDescriptor.open("/dev/null", .writeOnly, options: [.closeOnExec])
            defer { try? null.close() }
            let errors = try FileDescriptor.open(
                Self.errorPath(path),
                .readWrite,
                options: [.create, .truncate, .closeOnExec],
                permissions: .ownerReadWrite
            )
            defer { try? errors.close() }
            child = try ChildProcess(
                program,
                [
                    "-comp", "zstd", "-b", "1M", "-no-progress", "-quiet",
                    "-processors", String(max(1, threads)), path.string,
                ],
                environment: ["SOURCE_DATE_EPOCH": String(epoch.seconds), "LC_ALL": "C.UTF-8"],
                descriptors: [pipe.reading, null, errors]
            )
            input = pipe.writing
        } catch {
            throw RootcellarError(.build, "cannot start sqfstar: \(error)", subject: path.string)
        }
    }

    mutating func write(_ bytes: RawSpan) throws(RootcellarError) {
        do throws(Errno) {
            try writeAll(input, bytes)
        } catch {
            throw failure((try? finishChild()) ?? -1)
        }
    }

    mutating func finish() throws(RootcellarError) -> ImageDocument.File {
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
            throw RootcellarError(.build, "sqfstar: \(error)", subject: path.string)
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
        return RootcellarError(.build, "sqfstar ended with \(status): \(said)", subject: path.string)
    }

    private func removeErrors() { removeFile(Self.errorPath(path)) }

    private static func errorPath(_ path: FilePath) -> FilePath { FilePath(path.string + ".errors") }
}
