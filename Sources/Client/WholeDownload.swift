// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage
import Transfer

/// A big file that can be checked only when all of it is here: it is downloaded into the cache, checked and used through
/// one and the same descriptor.
struct WholeDownload {
    /// The most bytes of a compressed rootfs.
    static let limit = 16 << 30

    let session: PlainSession
    let layout: CacheLayout

    /// Downloads a file, checks it, and keeps it as an object if anybody vouches for it. One process at a time; who has
    /// waited should look into the cache again.
    ///
    /// - Returns: the file, and what it is.
    /// - Throws: `TRANSPORT`, `SIZE`, `HASH`, `SIGNATURE`, `CACHE`.
    func fetch(_ file: PlainBuild.File) throws(RootcellarError) -> (file: FileDescriptor, reference: FileReference) {
        let url = session.url(file.path)
        guard session.server.trust != .hashes || file.sha256 != nil else {
            throw RootcellarError(.hash, "nobody says which hash this file has", subject: url)
        }
        // Fetched first: without a signature the rest would be in vain.
        let signature = session.signatures == nil ? nil : try session.signature(of: file.path)
        // The part has the name of no object, but the form of one, so that whoever clears up after killed processes
        // knows it.
        let name = SHA256Digest(hashing: Array(url.utf8))
        let lock = try FileLock(layout.lock(of: name), of: layout)
        defer { withExtendedLifetime(lock) {} }
        let path = layout.partial(name)
        try layout.makeDirectory(layout.partials)
        let opened = try create(path)
        do throws(RootcellarError) {
            let keeps = session.server.trust != .nothing
            // What nobody vouches for is never seen by another process.
            if !keeps { removeFile(path) }
            let reference = try download(file, url, into: opened)
            if let signature, let signatures = session.signatures {
                try signatures.check(opened, signature, subject: url)
            }
            if keeps { try keep(path, opened, reference) }
            try rewind(opened)
            return (opened, reference)
        } catch {
            removeFile(path)
            try? opened.close()
            throw error
        }
    }

    private func download(
        _ file: PlainBuild.File,
        _ url: String,
        into opened: FileDescriptor
    ) throws(RootcellarError) -> FileReference {
        var hasher = SHA256Hasher()
        var size = 0
        let found = try session.http.download(
            file.path,
            limit: file.size ?? Self.limit,
            restart: { () throws(RootcellarError) in
                (hasher, size) = (SHA256Hasher(), 0)
                do {
                    try opened.resize(to: 0)
                    try opened.seek(offset: 0, from: .start)
                } catch {
                    throw RootcellarError(.cache, "cannot write to the cache: \(error)", subject: layout.root.string)
                }
            }
        ) { bytes throws(RootcellarError) in
            do throws(Errno) {
                try writeAll(opened, bytes)
            } catch {
                throw systemError(.cache, "cannot write to the cache", error, subject: layout.root.string)
            }
            hasher.update(bytes)
            size += bytes.byteCount
        }
        guard found else {
            throw RootcellarError(
                .transport,
                "a file that is listed is not there",
                subject: url,
                hint: "the server or mirror may be in the middle of an update; try again"
            )
        }
        let digest = hasher.finish()
        if let wanted = file.size, wanted != size {
            throw RootcellarError(.size, "\(size) bytes where \(wanted) are listed", subject: url)
        }
        if let wanted = file.sha256, wanted != digest {
            throw RootcellarError(.hash, "SHA-256 is \(digest), listed is \(wanted)", subject: url)
        }
        return FileReference(size: size, sha256: digest)
    }

    private func create(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        do {
            let file = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .truncate, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
            CacheOwners.current.adopt(file, in: layout.partials)
            return file
        } catch {
            throw RootcellarError(.cache, "cannot make a file: \(error)", subject: path.string)
        }
    }

    private func keep(
        _ path: FilePath,
        _ opened: FileDescriptor,
        _ reference: FileReference
    ) throws(RootcellarError) {
        let object = layout.object(reference.sha256)
        try layout.makeDirectory(layout.objects)
        do throws(Errno) {
            try flush(opened)
            try rename(path, to: object)
        } catch {
            throw systemError(.cache, "cannot keep a file", error, subject: object.string)
        }
    }

    /// An object of the cache, opened and checked anew; nil if it is not here or no longer itself.
    func cached(_ reference: FileReference) throws(RootcellarError) -> FileDescriptor? {
        let path = layout.object(reference.sha256)
        guard let opened = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow]) else {
            return nil
        }
        var hasher = SHA256Hasher()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var size = 0
        while let count = try? readBlock(opened, &buffer), count > 0 {
            let piece = buffer.span.extracting(first: count)
            hasher.update(unsafe piece.bytes)
            size += count
        }
        guard size == reference.size, hasher.finish() == reference.sha256 else {
            try? opened.close()
            removeFile(path)
            return nil
        }
        try rewind(opened)
        return opened
    }

    private func rewind(_ opened: FileDescriptor) throws(RootcellarError) {
        do {
            try opened.seek(offset: 0, from: .start)
        } catch {
            throw RootcellarError(.cache, "cannot read the cache: \(error)", subject: layout.root.string)
        }
    }
}
