// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// Unpacks a whole tar stream into an empty directory.
package struct Unpacking {
    /// What the signed image document says about the tar. Nil for archives of which nothing is known.
    package struct Expectation: Sendable {
        package var entries: Int
        package var contentBytes: Int

        /// Exactly these figures.
        package init(entries: Int, contentBytes: Int) {
            self.entries = entries
            self.contentBytes = contentBytes
        }
    }

    /// What was done.
    package struct Report: Sendable {
        package var entries: Int
        package var contentBytes: Int
        package var omissions: Omissions

        /// As one line for the process that waits for it.
        package var line: String { "\(entries) \(contentBytes) \(omissions.words)\n" }
    }

    /// Reads a tar from `tar` to its end and puts it into `root`.
    ///
    /// - Throws: `ARCHIVE` at the first thing that is wrong. What was written until then stays; the caller empties the
    ///   directory.
    package static func run(
        tar: FileDescriptor,
        root: FileDescriptor,
        expecting: Expectation?,
        newest: Int64? = nil
    ) throws(RootcellarError) -> Report {
        var limits = TarLimits()
        if let newest { limits.newest = max(0, newest) }
        if let expecting {
            limits.entries = expecting.entries
            limits.contentBytes = expecting.contentBytes
        }
        let reader = unsafe TarReader(limits: limits) { buffer throws(RootcellarError) in
            do throws(Errno) {
                return try unsafe readSome(tar, buffer)
            } catch {
                throw systemError(.archive, "cannot read the archive", error, subject: "")
            }
        }
        let writer = RootfsWriter(root: root)
        while let entry = try reader.next() { try writer.write(entry, from: reader) }
        if let expecting {
            guard reader.entries == expecting.entries, reader.contentBytes == expecting.contentBytes else {
                throw refuse(
                    "\(reader.entries) members with \(reader.contentBytes) bytes where \(expecting.entries)"
                        + " with \(expecting.contentBytes) are signed"
                )
            }
        }
        guard reader.entries > 0 else { throw refuse("an archive without members") }
        try writer.finish()
        return Report(entries: reader.entries, contentBytes: reader.contentBytes, omissions: writer.omissions)
    }
}
