// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// The image directory under test: its document, and what its archives hold.
struct TestedImage: Sendable {
    let directory: FilePath
    let document: ImageDocument
    /// `image.json` as it is.
    let reference: FileReference
    let name: ImageName

    /// The most bytes of a metadata archive without compression.
    static let metadataLimit = 4 << 20

    /// Reads `image.json`.
    ///
    /// - Throws: `TEST` if there is none; what `ImageDocument` throws.
    init(_ directory: FilePath) throws(RootcellarError) {
        self.directory = absolutePath(directory)
        let path = self.directory.appending(ImageDocument.fileName)
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try readFile(path, limit: ImageDocument.limit)
        } catch {
            throw RootcellarError(
                .test,
                "not an image directory: cannot read image.json (\(error))",
                subject: directory.string,
                hint: "'rootcellar build' makes one"
            )
        }
        reference = FileReference(of: bytes)
        document = try ImageDocument(verified: bytes, subject: path.string)
        name = try document.name()
    }

    func path(_ file: String) -> FilePath { directory.appending(file) }

    /// Whether the image's programs run on this machine's processor.
    func isNative(_ machine: String) -> Bool {
        let native: [String: Set<String>] = [
            "x86_64": ["amd64", "i386"], "i686": ["i386"], "aarch64": ["arm64", "armhf", "armel"],
            "armv7l": ["armhf", "armel"], "riscv64": ["riscv64"], "ppc64le": ["ppc64el"], "s390x": ["s390x"],
            "loongarch64": ["loong64"],
        ]
        return native[machine]?.contains(name.architecture) ?? false
    }

    /// A small archive of the image in memory.
    func metadata(_ file: String) throws(CheckFault) -> [UInt8] {
        var bytes: [UInt8] = []
        try stream(file, limit: Self.metadataLimit) { input throws(CheckFault) in
            bytes = try finding("read \(file)") { () throws(Errno) in try readAll(input, limit: Self.metadataLimit) }
        }
        return bytes
    }

    /// Lets `body` read what a compressed file holds.
    func stream(
        _ file: String,
        limit: Int,
        _ body: (FileDescriptor) throws(CheckFault) -> Void
    ) throws(CheckFault) {
        guard let compression = Compression(fileName: file) else { throw .failed("\(file) has no known compression") }
        let input = try finding("open \(file)") { () throws(Errno) in try openPath(path(file), .readOnly) }
        defer { input.closeQuietly() }
        let pipe = try finding("make a pipe") { () throws(Errno) in try makePipe() }
        let result = Handover()
        let thread = WorkerThread {
            result.run { () throws(RootcellarError) in
                defer { pipe.writing.closeQuietly() }
                try compression.decompress(input, to: pipe.writing, limit: limit)
            }
        }
        var fault: CheckFault?
        do throws(CheckFault) {
            try body(pipe.reading)
        } catch {
            fault = error
        }
        // A writer that nobody reads from any more ends by that.
        pipe.reading.closeQuietly()
        thread.join()
        // What stops the reader may be the writer's fault, which then says more.
        if let error = result.error, fault == nil || error.errorClass == .archive,
            !Compression.isUnheard(error)
        {
            throw CheckFault(error)
        }
        if let fault { throw fault }
    }
}

/// Carries an error from one thread to another, which joins it first.
final class Handover: @unchecked Sendable {
    private(set) var error: RootcellarError?

    func run(_ body: () throws(RootcellarError) -> Void) {
        do throws(RootcellarError) {
            try body()
        } catch {
            self.error = error
        }
    }
}
