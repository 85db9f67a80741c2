// SPDX-License-Identifier: Apache-2.0

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

    /// A record.
    package init(server: String, serial: Serial, image: FileReference) {
        self.server = server
        self.serial = serial
        self.image = image
    }
}

extension CacheLayout {
    /// What is in the cache of an image; nil if nothing is, or nothing readable: then it is simply fetched again.
    func readRecord(of name: ImageName) throws(RootcellarError) -> ImageRecord? {
        guard let bytes = try readFile(image(name), limit: 64 << 10, .cache) else { return nil }
        return try? ImageRecord(verified: bytes, subject: image(name).string)
    }

    /// Notes which build is in the cache.
    func writeRecord(_ record: ImageRecord, of name: ImageName) throws(RootcellarError) {
        let path = image(name)
        try makeDirectories(path.removingLastComponent(), .cache)
        try replaceFile(path, try record.canonicalBytes(), .cache)
    }
}
