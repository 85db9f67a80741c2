// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// A reproducible tar of a few files that are in memory: the metadata archives of an image.
package struct SmallArchive {
    private let epoch: Timestamp
    private var members: [(entry: TarEntry, content: [UInt8])] = []

    /// An empty archive whose members all have the time `epoch`.
    package init(epoch: Timestamp) { self.epoch = epoch }

    /// Adds a directory. Directories come before what is in them.
    package mutating func addDirectory(_ name: String, mode: UInt32 = 0o755) {
        members.append(
            (TarEntry(path: Array(name.utf8), kind: .directory, mode: mode, modified: epoch.seconds), [])
        )
    }

    /// Adds a file, owned by root.
    package mutating func add(_ name: String, _ bytes: [UInt8], mode: UInt32 = 0o644) {
        members.append(
            (
                TarEntry(
                    path: Array(name.utf8),
                    kind: .file,
                    mode: mode,
                    size: bytes.count,
                    modified: epoch.seconds
                ),
                bytes
            )
        )
    }

    /// Writes the archive, members in the order in which they were added, names without `./` in front.
    ///
    /// - Throws: `BUILD`.
    package func write(
        to path: FilePath,
        as form: RootfsPacker.Form = .xz(level: 6)
    ) throws(RootcellarError) -> ImageDocument.File {
        var tar: [UInt8] = []
        var writer = TarWriter(namePrefix: "") { bytes throws(RootcellarError) in
            unsafe bytes.withUnsafeBytes { unsafe tar.append(contentsOf: $0) }
        }
        try write(to: &writer)
        try writer.finish()
        let queue = ChunkQueue(capacity: 2)
        _ = queue.put(tar)
        queue.end()
        return try encode(.init(form, name: "", path: path), epoch: epoch, threads: 2, from: queue)
    }

    /// Writes the members into an archive that has others as well.
    func write(to writer: inout TarWriter) throws(RootcellarError) {
        let prefix = writer.namePrefix
        writer.namePrefix = []
        defer { writer.namePrefix = prefix }
        for (entry, content) in members {
            try writer.begin(entry)
            if !content.isEmpty { try writer.content(unsafe content.span.bytes) }
        }
    }
}
