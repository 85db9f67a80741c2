// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
import SystemPackage

/// Small objects of the cache: documents and metadata archives, kept by hash and checked again whenever they are read.
package struct ObjectStore: Sendable {
    package let layout: CacheLayout

    /// The store of a cache.
    package init(_ layout: CacheLayout) { self.layout = layout }

    /// The bytes of an object, from the cache or from the one that is only read; nil if it is in neither or no longer
    /// what its name says (then it is removed, where that may be done).
    ///
    /// - Parameter keepsDamaged: whether one that is damaged stays where it is.
    package func read(
        _ reference: FileReference,
        keepsDamaged: Bool = false
    ) throws(RootcellarError) -> [UInt8]? {
        let path = layout.object(reference.sha256)
        if let bytes = try readFile(path, limit: ImageDocument.limit, .cache) {
            if (try? reference.check(bytes, subject: path.string)) != nil { return bytes }
            if !keepsDamaged { removeFile(path) }
        }
        guard let shared = layout.sharedObject(reference.sha256),
            let bytes = try? readFile(shared, limit: ImageDocument.limit, .cache),
            (try? reference.check(bytes, subject: shared.string)) != nil
        else { return nil }
        return bytes
    }

    /// Keeps the bytes of an object.
    package func write(_ bytes: [UInt8], as reference: FileReference) throws(RootcellarError) {
        let lock = try FileLock(layout.lock(of: reference.sha256), of: layout)
        defer { withExtendedLifetime(lock) {} }
        try layout.replace(layout.object(reference.sha256), by: bytes)
    }

    /// Removes an object, and the unpacked tree of a tar; one that is not here is fine, and one that is in use stays.
    package func remove(_ digest: SHA256Digest) {
        TreeCache.remove(digest, layout)
        let path = layout.object(digest)
        guard let lock = FileLock(ifFree: layout.lock(of: digest), of: layout) else { return }
        removeFile(path)
        withExtendedLifetime(lock) {}
    }

    /// Removes everything that an image document in the store names, its uncompressed tar and the document.
    ///
    /// - Parameter other: the build that takes its place; what both have stays.
    package func removeFiles(of image: FileReference, replacedBy other: ImageDocument? = nil) {
        let kept = Set(other.map { $0.files.values.map(\.sha256) + [$0.tar.sha256] } ?? [])
        if let bytes = try? read(image), let document = try? ImageDocument(verified: bytes, subject: "cache") {
            for digest in document.files.values.map(\.sha256) + [document.tar.sha256]
            where !kept.contains(digest) && isHere(digest) { remove(digest) }
        }
        remove(image.sha256)
    }

    private func isHere(_ digest: SHA256Digest) -> Bool {
        if TreeCache.isThere(digest, layout) { return true }
        guard
            let file = try? FileDescriptor.open(
                layout.object(digest),
                .readOnly,
                options: [.closeOnExec, .noFollow, .nonBlocking]
            )
        else { return false }
        try? file.close()
        return true
    }
}
