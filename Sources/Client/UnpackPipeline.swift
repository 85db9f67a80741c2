// SPDX-License-Identifier: Apache-2.0

package import Archive
import CLinux
import Glibc
package import Model
package import SystemPackage

/// The confined processes that turn verified compressed bytes into a rootfs: one decompresses, one unpacks. Both have
/// given up everything else before they see a byte, and work while the rest is still being fetched.
package final class UnpackPipeline {
    /// What the unpacker says it did.
    package struct Report: Sendable, Equatable {
        package var entries = 0
        package var contentBytes = 0
        package var devicesLeftOut = 0
        package var attributesLeftOut = 0
    }

    private let decoder: ChildProcess
    private let extractor: ChildProcess
    private var input: FileDescriptor?
    private let report: FileDescriptor
    private let decoderErrors: FileDescriptor
    private let extractorErrors: FileDescriptor

    /// Starts both processes for a tar that a signed document describes.
    ///
    /// - Parameters:
    ///   - rootfs: an empty directory; stays the caller's.
    ///   - tar: what the signed document says about the tar.
    ///   - tokens: LXC's tokens and their values, for the files of `expanded`.
    ///   - expanded: files of the image in which tokens are replaced.
    package convenience init(
        into rootfs: FileDescriptor,
        _ compression: Compression,
        tar: ImageDocument.Tar,
        tokens: [String: String],
        expanded: [String]
    ) throws(RootcellarError) {
        let expectation = Unpacking.Expectation(entries: tar.entries, contentBytes: tar.unpackedBytes)
        try self.init(
            into: rootfs,
            compression,
            limit: tar.size,
            expecting: expectation,
            tokens: tokens,
            expanded: expanded
        )
    }

    /// The most bytes that an archive may have after decompression about which nothing is known but its compressed size:
    /// two hundred times that size once it is over 64 MiB, and never more than 64 GiB.
    package static func limit(compressedSize: Int) -> Int {
        min(64 << 30, (64 << 20) + 200 * min(compressedSize, 1 << 30))
    }

    /// Starts both processes.
    ///
    /// - Parameters:
    ///   - limit: the most bytes that the tar may have.
    ///   - expecting: exact figures of the tar; nil if nobody knows them, then the unpacker's own limits hold.
    package init(
        into rootfs: FileDescriptor,
        _ compression: Compression,
        limit: Int,
        expecting: Unpacking.Expectation?,
        tokens: [String: String],
        expanded: [String]
    ) throws(RootcellarError) {
        let program = try Self.program()
        var extraction = ["extract"]
        if let expecting {
            extraction += ["--entries", String(expecting.entries), "--bytes", String(expecting.contentBytes)]
        }
        for (token, value) in tokens.sorted(by: { $0.key < $1.key }) { extraction += ["--set", "\(token)=\(value)"] }
        for path in expanded { extraction += ["--expand", path] }
        do {
            let compressed = try makePipe()
            let plain = try makePipe()
            let report = try makePipe()
            let decoderErrors = try makePipe()
            let extractorErrors = try makePipe()
            defer {
                for end in [
                    compressed.reading, plain.reading, plain.writing, report.writing, decoderErrors.writing,
                    extractorErrors.writing,
                ] { try? end.close() }
            }
            decoder = try ChildProcess(
                program,
                ["decode", compression.rawValue, String(limit)],
                descriptors: [compressed.reading, plain.writing, decoderErrors.writing]
            )
            extractor = try ChildProcess(
                program,
                extraction,
                descriptors: [plain.reading, report.writing, extractorErrors.writing, rootfs]
            )
            input = compressed.writing
            self.report = report.reading
            self.decoderErrors = decoderErrors.reading
            self.extractorErrors = extractorErrors.reading
        } catch {
            throw RootcellarError(.policy, "cannot start the unpacker: \(error)", subject: program.string)
        }
    }

    deinit {
        try? input?.close()
        for end in [report, decoderErrors, extractorErrors] { try? end.close() }
    }

    /// Hands on the next verified bytes.
    ///
    /// - Throws: what the unpacker says, if it has stopped. What it wrote stays; the caller empties the rootfs.
    package func write(_ bytes: RawSpan) throws(RootcellarError) {
        guard let input else { return }
        do throws(Errno) {
            try writeAll(input, bytes)
        } catch {
            throw end() ?? systemError(.archive, "the unpacker stopped", error, subject: "")
        }
    }

    /// Says that all bytes have been written, and waits.
    ///
    /// - Throws: `ARCHIVE`, `META` or `POLICY`.
    package func finish() throws(RootcellarError) -> Report {
        if let error = end() { throw error }
        let numbers = Self.text(report).split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard numbers.count == 4 else { throw RootcellarError(.internal, "the unpacker's report is unreadable") }
        return Report(
            entries: numbers[0],
            contentBytes: numbers[1],
            devicesLeftOut: numbers[2],
            attributesLeftOut: numbers[3]
        )
    }

    /// Stops both processes after a failure elsewhere.
    package func abandon() {
        guard input != nil else { return }
        decoder.signal(SIGKILL)
        extractor.signal(SIGKILL)
        _ = end()
    }

    private func end() -> RootcellarError? {
        guard let input else { return nil }
        try? input.close()
        self.input = nil
        let decoded = (try? decoder.wait()) ?? 255
        let extracted = (try? extractor.wait()) ?? 255
        guard decoded != 0 || extracted != 0 else { return nil }
        // When one of the two fails the other sees a cut stream or a closed pipe: the first cause is the one that says
        // something else.
        let fromDecoder = Self.error(decoded, Self.text(decoderErrors))
        let fromExtractor = Self.error(extracted, Self.text(extractorErrors))
        if let fromDecoder, !fromDecoder.reason.hasPrefix("cannot pass the archive on") { return fromDecoder }
        return fromExtractor ?? fromDecoder
    }

    private static func error(_ status: Int, _ text: String) -> RootcellarError? {
        guard status != 0 else { return nil }
        if status > 128 {
            return RootcellarError(
                .archive,
                "the unpacker was ended by signal \(status - 128)",
                hint: "it may have run into its limits of memory or time"
            )
        }
        let errorClass = ErrorClass.allCases.first { Int($0.exitStatus) == status } ?? .archive
        var line = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? "the unpacker failed without a word"
        if line.hasPrefix("\(errorClass.rawValue): ") { line.removeFirst(errorClass.rawValue.count + 2) }
        return RootcellarError(errorClass, line)
    }

    private static func text(_ descriptor: FileDescriptor) -> String {
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = (try? readBlock(descriptor, &bytes)) ?? 0
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

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
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(.policy, "cannot start the unpacker: \(error)", subject: program.string)
        }
    }

    private static func memoryFile() throws(Errno) -> CInt {
        let descriptor = unsafe clinux_memory_file("archive")
        if descriptor < 0 { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// The unpacker beside this program, or the installed one.
    static func program() throws(RootcellarError) -> FilePath {
        if let own = try? unsafe FileDescriptor.open("/proc/self", .readOnly, options: [.directory, .closeOnExec]) {
            defer { try? own.close() }
            if let text = try? own.symbolicLink("exe".utf8) {
                let path = FilePath(String(decoding: text, as: UTF8.self))
                let beside = path.removingLastComponent().appending("rootcellar-unpack")
                if unsafe beside.withPlatformString({ unsafe access($0, X_OK) }) == 0 { return beside }
            }
        }
        if let installed = findProgram("rootcellar-unpack") { return installed }
        throw RootcellarError(.policy, "rootcellar-unpack is not installed", hint: "install it beside this program")
    }
}
