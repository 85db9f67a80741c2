// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// A reproducible `.tar.xz` of a few files that are in memory: the metadata archives of an image.
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
    package func write(to path: FilePath) throws(RootcellarError) -> ImageDocument.File {
        let file = try HashedFile(path)
        let encoder = try XZEncoder(level: 6, threads: 2, output: file)
        var writer = TarWriter(namePrefix: "") { bytes throws(RootcellarError) in try encoder.write(bytes) }
        for (entry, content) in members {
            try writer.begin(entry)
            if !content.isEmpty { try writer.content(unsafe content.span.bytes) }
        }
        try writer.finish()
        try encoder.finish()
        return file.finish()
    }
}
