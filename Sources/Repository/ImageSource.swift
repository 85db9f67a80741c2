// SPDX-License-Identifier: Apache-2.0

import CLinux
import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A directory with one build of an image: `image.json` and the files that it names.
struct ImageSource {
    let directory: FilePath
    let document: ImageDocument
    let name: ImageName
    /// `image.json` as it is in the directory.
    let reference: FileReference
    /// What is there of tests.
    let proof: TestProof

    /// What stock clients fetch: no image is published without them.
    static let required = ["rootfs.tar.xz", "meta.tar.xz"]
    /// Checksums for people and scripts.
    static let checksums = ImageDocument.checksums
    /// What the release key signs of each build, for clients that know no other document.
    static let signed = [checksums] + required

    /// Reads `image.json`; the files are not looked at yet.
    ///
    /// - Parameter isVouchedFor: whether `image.json` was published by somebody whose word for the tests is taken.
    /// - Throws: `REPOSITORY` if there is none or it cannot be published; what `ImageDocument` throws.
    init(_ directory: FilePath, isVouchedFor: Bool = false) throws(RootcellarError) {
        self.directory = directory
        let path = directory.appending(ImageDocument.fileName)
        let bytes = try Disk.read(path, limit: ImageDocument.limit)
        reference = FileReference(of: bytes)
        document = try ImageDocument(verified: bytes, subject: path.string)
        name = try document.name()
        proof = TestProof.read(directory, document, reference, isVouchedFor: isVouchedFor)
        try Self.check(document, subject: path.string)
    }

    /// Checks that every file has a name that can stand in a tree, that the required ones are there, and that blocks
    /// fit sizes.
    ///
    /// - Throws: `BINDING`, `REPOSITORY`.
    static func check(_ document: ImageDocument, subject: String) throws(RootcellarError) {
        for file in document.files.keys.sorted() {
            guard ImageDocument.isFileName(file) else {
                throw RootcellarError(.binding, "'\(file)' cannot be the name of a published file", subject: subject)
            }
            _ = try document.file(file, subject: subject)
        }
        for file in required where document.files[file] == nil {
            throw RootcellarError(.repository, "the image has no '\(file)', which LXC needs", subject: subject)
        }
    }

    /// `SHA256SUMS` of a build, as sha256sum(1) reads it.
    static func checksums(_ document: ImageDocument, image: SHA256Digest) -> [UInt8] {
        var hashes = document.files.mapValues(\.sha256)
        hashes[ImageDocument.fileName] = image
        let lines = hashes.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return lines.reduce(into: []) { $0 += Array("\($1.value)  \($1.key)\n".utf8) }
    }

    /// Whether another build has the same content: everything but what tells when and how it was made.
    func isSame(as other: ImageDocument) -> Bool {
        func content(_ document: ImageDocument) -> [String: SHA256Digest] {
            document.files.filter {
                !$0.key.hasSuffix(".log") && !$0.key.hasSuffix(".yaml") && !$0.key.hasPrefix("sbom.")
                    && !ImageDocument.isPatch($0.key) && $0.key != TestReport.fileName
            }
            .mapValues(\.sha256)
        }
        return document.tar == other.tar && content(document) == content(other)
    }

    /// Copies every file into a new directory and hashes the copies, so that what was hashed is what is published.
    ///
    /// - Throws: `SIZE` or `HASH` if a file is not what `image.json` says.
    func copy(to target: FilePath) throws(RootcellarError) {
        try Disk.makeDirectory(target)
        for (file, expected) in document.files.sorted(by: { $0.key < $1.key }) {
            try Self.copy(directory.appending(file), to: target.appending(file), expected: expected)
        }
    }

    private static func copy(
        _ from: FilePath,
        to: FilePath,
        expected: ImageDocument.File
    ) throws(RootcellarError) {
        let source = try Disk.open(from)
        defer { try? source.close() }
        let target: FileDescriptor
        do {
            target = try FileDescriptor.open(
                to,
                .readWrite,
                options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
        } catch { throw Disk.fault("cannot be made", to, error) }
        defer { try? target.close() }
        do {
            // One byte more than expected is enough to see that there is too much.
            try copyBytes(source, target, count: expected.size + 1)
            guard fchmod(target.rawValue, 0o644) == 0, fsync(target.rawValue) == 0 else {
                throw Errno(rawValue: errno)
            }
        } catch { throw Disk.fault("cannot be copied to \(to)", from, error) }
        try FileHash(of: target, expected: expected, path: to).check(expected, subject: from.string)
    }

    /// The kernel copies, or shares the blocks where the file system can.
    static func copyBytes(_ source: FileDescriptor, _ target: FileDescriptor, count: Int) throws(Errno) {
        var left = count
        while left > 0 {
            let copied = clinux_copy_file_range(source.rawValue, target.rawValue, left)
            if copied == 0 { return }
            if copied > 0 {
                left -= copied
                continue
            }
            switch Errno(rawValue: errno) {
            case .interrupted: continue
            case .improperLink, .noFunction, .invalidArgument, .notSupportedOnSocket:
                return try copyThroughMemory(source, target, count: left)
            case let error: throw error
            }
        }
    }

    private static func copyThroughMemory(
        _ source: FileDescriptor,
        _ target: FileDescriptor,
        count: Int
    ) throws(Errno) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var left = count
        do {
            while left > 0 {
                let got = try unsafe buffer.withUnsafeMutableBytes { unsafe try source.read(into: $0) }
                if got == 0 { return }
                try target.writeAll(buffer.prefix(min(got, left)))
                left -= got
            }
        } catch { throw error as? Errno ?? .ioError }
    }
}
