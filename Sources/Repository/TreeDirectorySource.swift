// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// A tree in a directory of this machine, as rsync or a medium has brought it. It is believed no more than a server.
package struct TreeDirectorySource: TreeSource {
    private let top: FilePath

    /// - Parameter top: the directory.
    package init(_ top: FilePath) { self.top = top }

    package var address: String { top.string }

    package func url(of path: String) -> String { top.appending(path).string }

    package func get(
        _ path: String,
        limit: Int,
        exactSize: Int?,
        etag: String?
    ) throws(RootcellarError) -> GetResult {
        let file = top.appending(path)
        guard Disk.exists(file) else { return .missing }
        let bytes = try Disk.read(file, limit: exactSize ?? limit)
        guard exactSize ?? bytes.count == bytes.count else {
            throw RootcellarError(
                .size,
                "\(bytes.count) bytes where \(exactSize ?? 0) are signed",
                subject: file.string
            )
        }
        return .found(bytes: bytes, etag: nil)
    }

    package func stream(
        _ path: String,
        from offset: Int,
        size: Int,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        let name = top.appending(path)
        let file = try Disk.open(name)
        defer { try? file.close() }
        try file.deliver(from: offset, count: size - offset, subject: name, sink: sink)
    }
}

extension FileDescriptor {
    /// Delivers `count` bytes from `offset` on.
    ///
    /// - Throws: `SIZE` if there are fewer.
    func deliver(
        from offset: Int,
        count: Int,
        subject: FilePath,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var done = 0
        while done < count {
            let got: Int
            do {
                got = try unsafe buffer.withUnsafeMutableBytes { bytes in
                    try unsafe read(
                        fromAbsoluteOffset: Int64(offset + done),
                        into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<min(bytes.count, count - done)])
                    )
                }
            } catch { throw Disk.fault("cannot be read", subject, error) }
            guard got > 0 else {
                throw RootcellarError(
                    .size,
                    "\(offset + done) bytes instead of \(offset + count)",
                    subject: subject.string
                )
            }
            try sink(unsafe buffer.span.bytes.extracting(first: got))
            done += got
        }
    }
}
