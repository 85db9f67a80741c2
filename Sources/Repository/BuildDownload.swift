// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Builds of another tree on their way into this one: each has a directory beside the staging area, which stays when a
/// run is killed, so that the next goes on where it was.
final class BuildDownload {
    let source: any TreeSource
    let layout: TreeLayout
    /// Bytes that came from the source.
    private(set) var transferred = 0

    private var parent: FilePath { layout.top.appending(TreeLayout.hidden).appending("mirror") }

    init(_ source: any TreeSource, _ layout: TreeLayout) throws(RootcellarError) {
        self.source = source
        self.layout = layout
        try Disk.makeDirectory(parent, mode: 0o700)
    }

    /// Where a build waits.
    func directory(_ path: String) -> FilePath {
        parent.appending(SHA256Digest(hashing: Array(path.utf8)).description)
    }

    /// Puts the builds back here that an earlier run had begun to put in their places without coming to an end.
    func takeBack(_ journal: Journal?) throws(RootcellarError) {
        for path in journal?.paths ?? [] where path.hasPrefix("images/") {
            let directory = directory(path)
            guard Disk.isDirectory(layout.path(path)), !Disk.exists(directory) else { continue }
            try Disk.rename(layout.path(path), to: directory)
        }
    }

    /// Removes what waits for nothing any more.
    func sweep(keeping paths: some Sequence<String>) throws(RootcellarError) {
        let kept = Set(paths.map { directory($0).lastComponent?.string ?? "" })
        for name in try Disk.members(parent) where !kept.contains(name) && name != "state.json" {
            try Disk.remove(parent.appending(name))
        }
    }

    /// Fetches every file of a build into its directory; each is what the index says, or there is an error.
    ///
    /// - Parameter isWhole: whether signatures and checksums for other clients come along.
    func fetch(
        _ name: ImageName,
        _ build: IndexShard.Build,
        verifiers: [TreeVerifier],
        isWhole: Bool
    ) throws(RootcellarError) {
        let path = TreePath.build(name, build.serial)
        let directory = directory(path)
        try Disk.makeDirectory(directory)
        let (document, bytes) = try document(name, build)
        for (file, expected) in document.files.sorted(by: { $0.key < $1.key }) {
            try fetch("\(path)/\(file)", expected.reference, to: directory.appending(file))
        }
        try Disk.write(bytes, to: directory.appending(ImageDocument.fileName))
        guard isWhole else { return }
        try Disk.write(
            ImageSource.checksums(document, image: build.image.sha256),
            to: directory.appending(ImageSource.checksums)
        )
        for file in ImageSource.signed {
            let signaturePath = "\(path)/\(file).asc"
            let signature = try small(signaturePath, limit: SignedFile.signatureLimit)
            try requireTidy(signature, subject: source.url(of: signaturePath))
            let open = try Disk.open(directory.appending(file))
            defer { try? open.close() }
            try TreeVerifier.byAny(verifiers.reversed()) { verifier throws(RootcellarError) in
                try verifier.release(file: open, signatures: signature, subject: source.url(of: signaturePath))
            }
            try Disk.write(signature, to: directory.appending("\(file).asc"))
        }
        try Disk.syncDirectory(directory)
    }

    /// The document of a build, and its bytes.
    func document(
        _ name: ImageName,
        _ build: IndexShard.Build
    ) throws(RootcellarError) -> (ImageDocument, bytes: [UInt8]) {
        let path = "\(TreePath.build(name, build.serial))/\(ImageDocument.fileName)"
        guard build.image.size <= ImageDocument.limit else {
            throw RootcellarError(.size, "an image document of \(build.image.size) bytes", subject: path)
        }
        let bytes = try source.file(path, build.image)
        transferred += bytes.count
        let document = try ImageDocument(verified: bytes, subject: path)
        guard try document.name() == name, document.serial == build.serial else {
            throw RootcellarError(.binding, "the image document is another image's or build's", subject: path)
        }
        try ImageSource.check(document, subject: path)
        return (document, bytes)
    }

    /// A small file that has to be there.
    func small(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8] {
        guard case .found(let bytes, _) = try source.get(path, limit: limit, exactSize: nil, etag: nil) else {
            throw RootcellarError(
                .transport,
                "a file of the tree is not there",
                subject: source.url(of: path),
                hint: "it may be in the middle of an update; try again"
            )
        }
        transferred += bytes.count
        return bytes
    }

    /// One file, from where an earlier run came to. What is there already is hashed again; if it was not right, the file
    /// is fetched once more from its beginning.
    func fetch(_ path: String, _ reference: FileReference, to target: FilePath) throws(RootcellarError) {
        do throws(RootcellarError) {
            try fetchOnce(path, reference, to: target)
        } catch {
            guard error.errorClass == .hash else { throw error }
            try Disk.remove(target)
            try fetchOnce(path, reference, to: target)
        }
    }

    private func fetchOnce(
        _ path: String,
        _ reference: FileReference,
        to target: FilePath
    ) throws(RootcellarError) {
        guard reference.size >= 0 else { throw RootcellarError(.binding, "a negative size", subject: path) }
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                target,
                .readWrite,
                options: [.create, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite]
            )
        } catch { throw Disk.fault("cannot be made", target, error) }
        defer { try? file.close() }
        var hasher = SHA256Hasher()
        var size = 0
        do {
            size = Int(try file.seek(offset: 0, from: .end))
            if size > reference.size {
                try file.resize(to: 0)
                size = 0
            }
        } catch { throw Disk.fault("cannot be written", target, error) }
        try file.deliver(from: 0, count: size, subject: target) { hasher.update($0) }
        let begun = size
        try source.stream(path, from: begun, size: reference.size) { bytes throws(RootcellarError) in
            hasher.update(bytes)
            do {
                let written = try unsafe bytes.withUnsafeBytes {
                    unsafe try file.writeAll(toAbsoluteOffset: Int64(size), $0)
                }
                size += written
                transferred += written
            } catch { throw Disk.fault("cannot be written", target, error) }
        }
        let found = hasher.finish()
        guard found == reference.sha256 else {
            try Disk.remove(target)
            throw RootcellarError(
                .hash,
                "SHA-256 is \(found), signed is \(reference.sha256)",
                subject: source.url(of: path)
            )
        }
        guard fchmod(file.rawValue, 0o644) == 0, fsync(file.rawValue) == 0 else {
            throw Disk.fault("cannot be written", target, Errno(rawValue: errno))
        }
    }
}
