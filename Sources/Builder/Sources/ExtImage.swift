// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// An ext file system inside of a file, copied out by debugfs(8) without mounting it.
struct ExtImage {
    let path: FilePath
    /// Where it begins in the file.
    let offset: Int
    /// When it was last written.
    let written: Timestamp

    /// Looks at the superblock; nil if there is none.
    init?(_ path: FilePath, offset: Int) throws(RootcellarError) {
        // It begins 1024 bytes into the file system.
        let block = try building("read", path.string) { () throws(Errno) in
            let file = try openPath(path, .readOnly)
            defer { file.closeQuietly() }
            return try readAt(file, offset + 1024, 256)
        }
        guard block.count == 256, block[56] == 0x53, block[57] == 0xEF else { return nil }
        self.path = path
        self.offset = offset
        // s_wtime.
        written = Timestamp(seconds: Int64(LittleEndian.number(block[48..<52])))
    }

    /// Copies everything into a directory, which must look like a root afterwards.
    ///
    /// - Throws: `SOURCE` if it does not.
    func extract(into rootfs: FilePath, name: String, log: BuildLog) throws(RootcellarError) {
        let program = try HostProgram.require("debugfs", package: "e2fsprogs")
        let position = log.position()
        let status = try HostProgram.run(
            program,
            ["-R", "rdump / \"\(rootfs.string)\"", "\(path.string)?offset=\(offset)"],
            environment: ["PATH": HostProgram.searchPath],
            output: log.descriptor
        )
        let copied = try RootfsDirectory(rootfs)
        guard status == 0, copied.exists("/etc") else {
            let said = log.tail(since: position, lines: 3).joined(separator: " | ")
            throw RootcellarError(.source, "the disk image has no root that can be read: \(said)", subject: name)
        }
        try copied.remove("/lost+found")
    }
}
