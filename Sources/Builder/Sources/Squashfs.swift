// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// A file system of squashfs inside of a file, unpacked by unsquashfs(1).
struct Squashfs {
    let path: FilePath
    /// Where it begins in the file.
    var offset = 0
    /// For messages.
    let name: String
    let log: BuildLog

    /// Unpacks.
    ///
    /// - Parameters: roughly: whether what the file system or the user may not have (attributes of security modules,
    ///   device nodes) is left out, for what is only a tool of the build.
    /// - Returns: when it was made.
    /// - Throws: `SOURCE` if it is damaged.
    func unpack(into directory: FilePath, roughly: Bool = false) throws(RootcellarError) -> Timestamp {
        let program = try HostProgram.require("unsquashfs", package: "squashfs-tools")
        let position = log.position()
        let status = try HostProgram.run(
            program,
            ["-force", "-no-progress", "-quiet"] + (roughly ? ["-no-xattrs", "-no-exit-code"] : [])
                + (offset > 0 ? ["-offset", "\(offset)"] : []) + ["-dest", directory.string, path.string],
            environment: ["PATH": HostProgram.searchPath],
            output: log.descriptor
        )
        guard status == 0 else {
            let said = log.tail(since: position, lines: 2).joined(separator: " | ")
            throw RootcellarError(.source, "unsquashfs ended with \(status): \(said)", subject: name)
        }
        let head = try building("read", path.string) { () throws(Errno) in
            let file = try openPath(path, .readOnly)
            defer { file.closeQuietly() }
            return try readAt(file, offset, 12)
        }
        guard head.count == 12 else { throw RootcellarError(.source, "the squashfs ends too early", subject: name) }
        // mkfs_time of the superblock.
        return Timestamp(seconds: Int64(LittleEndian.number(head[8..<12])))
    }
}
