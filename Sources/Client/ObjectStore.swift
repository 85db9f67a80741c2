// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
import SystemPackage

/// Small objects of the cache: documents and metadata archives, kept by hash and checked again whenever they are read.
package struct ObjectStore: Sendable {
    package let layout: CacheLayout

    /// The store of a cache.
    package init(_ layout: CacheLayout) { self.layout = layout }

    /// The bytes of an object; nil if it is not here or no longer what its name says (then it is removed).
    package func read(_ reference: FileReference) throws(RootcellarError) -> [UInt8]? {
        let path = layout.object(reference.sha256)
        guard let bytes = try readFile(path, limit: ImageDocument.limit, .cache) else { return nil }
        do throws(RootcellarError) {
            try reference.check(bytes, subject: path.string)
            return bytes
        } catch {
            removeFile(path)
            return nil
        }
    }

    /// Keeps the bytes of an object.
    package func write(_ bytes: [UInt8], as reference: FileReference) throws(RootcellarError) {
        let path = layout.object(reference.sha256)
        try makeDirectories(path.removingLastComponent(), .cache)
        let lock = try FileLock(layout.lock("object-\(reference.sha256)"))
        defer { withExtendedLifetime(lock) {} }
        try replaceFile(path, bytes, .cache)
    }

    /// Removes an object; one that is not here is fine.
    package func remove(_ digest: SHA256Digest) { removeFile(layout.object(digest)) }

    /// Removes everything that an image document in the store names, and the document.
    package func removeFiles(of image: FileReference) {
        if let bytes = try? read(image), let document = try? ImageDocument(verified: bytes, subject: "cache") {
            for file in document.files.values { remove(file.sha256) }
        }
        remove(image.sha256)
    }
}
