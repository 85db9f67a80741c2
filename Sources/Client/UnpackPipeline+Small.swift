// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
import SystemPackage

extension UnpackPipeline {
    /// Decompresses a small verified archive in a confined process.
    ///
    /// - Throws: `ARCHIVE` for a broken stream or more than `limit` bytes.
    static func decode(_ bytes: [UInt8], _ compression: Compression, limit: Int) throws(RootcellarError) -> [UInt8] {
        let program = try program()
        do {
            let input = FileDescriptor(rawValue: try memoryFile())
            defer { try? input.close() }
            try writeAll(input, unsafe bytes.span.bytes)
            try input.seek(offset: 0, from: .start)
            let output = try makePipe()
            let errors = try makePipe()
            defer { for end in [output.reading, errors.reading] { try? end.close() } }
            let child = try ChildProcess(
                program,
                ["decode", compression.rawValue, String(limit)],
                descriptors: [input, output.writing, errors.writing]
            )
            for end in [output.writing, errors.writing] { try? end.close() }
            var result = [UInt8](repeating: 0, count: limit)
            let count = try readBlock(output.reading, &result)
            let status = try child.wait()
            if let error = error(status, text(errors.reading)) { throw error }
            return Array(result.prefix(count))
        } catch {
            throw notStarted(error, program)
        }
    }

    private static func memoryFile() throws(Errno) -> CInt {
        let descriptor = unsafe clinux_memory_file("archive")
        if descriptor < 0 { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// Runs a confined process to its end.
    ///
    /// - Parameters:
    ///   - input: becomes its descriptor 0, `output` its 1, and `more` those from 3 on.
    ///   - feed: called while it runs; the pipe to write to if `input` is nil.
    /// - Throws: what the process says, or what `feed` throws.
    static func run(
        _ words: [String],
        input: FileDescriptor? = nil,
        output: FileDescriptor,
        more: [FileDescriptor] = [],
        feed: (FileDescriptor) throws(RootcellarError) -> Void = { _ throws(RootcellarError) in }
    ) throws(RootcellarError) {
        let program = try program()
        let child: ChildProcess
        let pipe: (reading: FileDescriptor, writing: FileDescriptor)
        let errors: (reading: FileDescriptor, writing: FileDescriptor)
        do throws(Errno) {
            pipe = try makePipe()
            errors = try makePipe()
            child = try ChildProcess(
                program,
                words,
                descriptors: [input ?? pipe.reading, output, errors.writing] + more
            )
        } catch {
            throw notStarted(error, program)
        }
        for end in [pipe.reading, errors.writing] { try? end.close() }
        defer { try? errors.reading.close() }
        var failure: RootcellarError?
        do throws(RootcellarError) {
            try feed(pipe.writing)
        } catch {
            failure = error
        }
        try? pipe.writing.close()
        let status = (try? child.wait()) ?? 255
        // A process that stops early breaks the pipe, so its own word comes first.
        if let error = error(status, text(errors.reading)) { throw error }
        if let failure { throw failure }
    }
}
