// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
package import Model
package import SystemPackage

/// The confined processes that turn verified compressed bytes into a rootfs: one decompresses, one unpacks. Both have
/// given up everything else before they see a byte, and work while the rest is still being fetched.
package final class UnpackPipeline {
    package typealias Report = UnpackReport

    private let decoder: ChildProcess?
    private let extractor: ChildProcess
    private var input: FileDescriptor?
    private let report: FileDescriptor
    private let decoderErrors: FileDescriptor
    private let extractorErrors: FileDescriptor

    /// Unpacks what `feed` writes, and stops the processes if that fails.
    ///
    /// - Throws: what `feed` throws, else what the unpacker says.
    static func unpack(
        into rootfs: FileDescriptor,
        _ plan: UnpackPlan,
        feed: (UnpackPipeline) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> Report {
        let pipeline = try UnpackPipeline(into: rootfs, plan)
        do throws(RootcellarError) {
            try feed(pipeline)
            return try pipeline.finish()
        } catch {
            pipeline.abandon()
            throw error
        }
    }

    /// Starts the processes.
    ///
    /// - Parameters:
    ///   - rootfs: an empty directory; stays the caller's.
    ///   - plan: what is coming, and what is known about it.
    package init(into rootfs: FileDescriptor, _ plan: UnpackPlan) throws(RootcellarError) {
        let program = try Self.program()
        do {
            let compressed = try makePipe()
            let plain = plan.compression == nil ? compressed : try makePipe()
            let report = try makePipe()
            let decoderErrors = try makePipe()
            let extractorErrors = try makePipe()
            defer {
                if plan.compression != nil { for end in [plain.reading, plain.writing] { try? end.close() } }
                for end in [compressed.reading, report.writing, decoderErrors.writing, extractorErrors.writing] {
                    try? end.close()
                }
            }
            if let words = plan.decoding {
                decoder = try ChildProcess(
                    program,
                    words,
                    descriptors: [compressed.reading, plain.writing, decoderErrors.writing]
                )
            } else {
                decoder = nil
            }
            extractor = try ChildProcess(
                program,
                plan.extraction,
                descriptors: [plain.reading, report.writing, extractorErrors.writing, rootfs]
            )
            input = compressed.writing
            self.report = report.reading
            self.decoderErrors = decoderErrors.reading
            self.extractorErrors = extractorErrors.reading
        } catch {
            throw Self.notStarted(error, program)
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

    /// Hands on a whole file, from where it stands.
    ///
    /// - Parameter unreadable: says what it means that the file cannot be read.
    func write(contentsOf file: FileDescriptor, unreadable: (Errno) -> RootcellarError) throws(RootcellarError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count: Int
            do throws(Errno) {
                count = try readBlock(file, &buffer)
            } catch {
                throw unreadable(error)
            }
            if count == 0 { return }
            let piece = buffer.span.extracting(first: count)
            try write(unsafe piece.bytes)
        }
    }

    /// Says that all bytes have been written, and waits.
    ///
    /// - Throws: `ARCHIVE`, `META` or `POLICY`.
    package func finish() throws(RootcellarError) -> Report {
        if let error = end() { throw error }
        return try Report(Self.text(report))
    }

    /// Stops both processes after a failure elsewhere.
    package func abandon() {
        guard input != nil else { return }
        decoder?.signal(SIGKILL)
        extractor.signal(SIGKILL)
        _ = end()
    }

    private func end() -> RootcellarError? {
        guard let input else { return nil }
        try? input.close()
        self.input = nil
        let decoded = decoder.map { (try? $0.wait()) ?? 255 } ?? 0
        let extracted = (try? extractor.wait()) ?? 255
        guard decoded != 0 || extracted != 0 else { return nil }
        // When one of the two fails the other sees a cut stream or a closed pipe: the first cause is the one that says
        // something else.
        let fromDecoder = Self.error(decoded, Self.text(decoderErrors))
        let fromExtractor = Self.error(extracted, Self.text(extractorErrors))
        if let fromDecoder, !Compression.isUnheard(fromDecoder) { return fromDecoder }
        return fromExtractor ?? fromDecoder
    }

    static func error(_ status: Int, _ text: String) -> RootcellarError? {
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

    static func text(_ descriptor: FileDescriptor) -> String {
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = (try? readBlock(descriptor, &bytes)) ?? 0
        return String(decoding: bytes.prefix(count), as: UTF8.self)
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

    /// The unpacker could not be started.
    static func notStarted(_ error: any Error, _ program: FilePath) -> RootcellarError {
        error as? RootcellarError
            ?? RootcellarError(.policy, "cannot start the unpacker: \(error)", subject: program.string)
    }
}
