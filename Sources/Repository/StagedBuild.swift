// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// A build on its way into a tree: a directory that holds what will be published.
struct StagedBuild {
    let directory: FilePath
    let name: ImageName
    /// The image document with what publishing adds to it.
    let document: ImageDocument
    /// The image document as a file.
    let image: FileReference

    /// The bytes of each delta that publishing made.
    let deltas: [String: Int]

    /// Whether it has passed its tests.
    let isTested: Bool

    /// Where it will be, relative to the top.
    var path: String { TreePath.build(name, document.serial) }

    var report: PublishReport.Image {
        PublishReport.Image(
            name: name.path,
            serial: document.serial,
            image: image,
            files: document.files.count + 1,
            bytes: document.files.values.reduce(image.size) { $0 + $1.size },
            deltas: deltas,
            tested: isTested
        )
    }

    /// Copies a build and completes its document.
    ///
    /// - Parameter additions: files that publishing adds, by name; they are moved.
    /// - Throws: `SIZE` or `HASH` if a file is not what the document says.
    init(
        _ source: ImageSource,
        adding additions: [String: Deltas.Addition],
        in directory: FilePath
    ) throws(RootcellarError) {
        self.directory = directory
        name = source.name
        try source.copy(to: directory)
        var document = source.document
        for (file, addition) in additions {
            try Disk.publish(addition.path, as: directory.appending(file))
            document.files[file] = addition.file
        }
        deltas = additions.mapValues(\.file.size)
        isTested = source.proof.isTested
        try source.proof.add(to: &document, in: directory)
        let fingerprints = try Self.fingerprints(document, in: directory)
        document.fingerprints = fingerprints.isEmpty ? nil : fingerprints
        let bytes = try document.canonicalBytes()
        try Disk.write(bytes, to: directory.appending(ImageDocument.fileName))
        self.document = document
        image = FileReference(of: bytes)
    }

    /// Adds checksums, and the signatures for clients that know no other document.
    func sign(_ home: KeyHome, by key: Fingerprint) throws(RootcellarError) {
        try Disk.write(
            ImageSource.checksums(document, image: image.sha256),
            to: directory.appending(ImageSource.checksums)
        )
        for file in ImageSource.signed {
            let open = try Disk.open(directory.appending(file))
            defer { try? open.close() }
            try Disk.write(home.sign(file: open, by: key), to: directory.appending(file + ".asc"))
        }
        try Disk.syncDirectory(directory)
    }

    /// What LXD and Incus call each form of a build whose files are in `directory`.
    static func fingerprints(
        _ document: ImageDocument,
        in directory: FilePath
    ) throws(RootcellarError) -> [String: SHA256Digest] {
        var result: [String: SHA256Digest] = [:]
        guard document.files[StreamsBuild.metadata] != nil else { return result }
        var metadata = SHA256Hasher()
        try hash(directory.appending(StreamsBuild.metadata), into: &metadata)
        for file in StreamsBuild.rootfs where document.files[file] != nil {
            var hasher = metadata
            try hash(directory.appending(file), into: &hasher)
            result[file] = hasher.finish()
        }
        return result
    }

    private static func hash(_ path: FilePath, into hasher: inout SHA256Hasher) throws(RootcellarError) {
        let file = try Disk.open(path)
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count: Int
            do { count = try unsafe buffer.withUnsafeMutableBytes { unsafe try file.read(into: $0) } } catch {
                throw Disk.fault("cannot be read", path, error)
            }
            if count == 0 { return }
            hasher.update(unsafe buffer.span.bytes.extracting(first: count))
        }
    }
}
