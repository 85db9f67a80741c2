// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
import SystemPackage

/// Which build of an image is in the cache.
package struct ImageRecord: Document, Equatable {
    package static let title = "cache record"
    package var format = documentFormat
    /// The name of the server it came from.
    package var server: String
    package var serial: Serial
    /// The build's `image.json`.
    package var image: FileReference
    /// The hashes of the blocks of the build's uncompressed tar, if that is in the cache.
    package var tarBlocks: [SHA256Digest]?

    /// A record.
    package init(server: String, serial: Serial, image: FileReference, tarBlocks: [SHA256Digest]? = nil) {
        self.server = server
        self.serial = serial
        self.image = image
        self.tarBlocks = tarBlocks
    }
}

extension CacheLayout {
    /// What is in the cache of an image; nil if nothing is, or nothing readable: then it is simply fetched again.
    func readRecord(of name: ImageName) throws(RootcellarError) -> ImageRecord? {
        let path = image(name)
        if let bytes = try readFile(path, limit: 1 << 20, .cache),
            let record = try? ImageRecord(verified: bytes, subject: path.string)
        {
            return record
        }
        // Only a name for objects that are checked: it does not matter who wrote it.
        guard let shared = sharedRoot?.appending("images/\(name.path).json"),
            let bytes = try? readFile(shared, limit: 1 << 20, .cache)
        else { return nil }
        return try? ImageRecord(verified: bytes, subject: shared.string)
    }

    /// The build of an image that is pinned; nil if none is.
    func readPin(of name: ImageName) -> ImageRecord? {
        guard let bytes = try? readFile(pin(name), limit: 1 << 20, .cache) else { return nil }
        return try? ImageRecord(verified: bytes, subject: pin(name).string)
    }

    /// Notes which build is in the cache.
    func writeRecord(_ record: ImageRecord, of name: ImageName) throws(RootcellarError) {
        // A flush here would write down the whole new rootfs as well; a record that is lost costs a look at the server.
        try replace(image(name), by: try record.canonicalBytes(), isDurable: false)
    }

    /// Notes that an image was used now: the time of its record's last change says when.
    func touchRecord(of name: ImageName, _ now: Timestamp) {
        guard let file = try? FileDescriptor.open(image(name), .readOnly, options: [.closeOnExec, .noFollow]) else {
            return
        }
        try? file.setModified(now.seconds)
        try? file.close()
    }
}
