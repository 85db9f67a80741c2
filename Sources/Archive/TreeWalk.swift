// SPDX-License-Identifier: Apache-2.0

import Glibc
import Model
import SystemPackage

/// Turns a directory tree into the members of one canonical tar: sorted by bytes, parents first, times not after the
/// epoch, hard links by their first name, no devices and no sockets.
final class TreeWalk {
    /// Times after this become this.
    private let epoch: Timestamp
    private var writer: TarWriter
    private(set) var entries = 0
    private(set) var contentBytes = 0
    private var firstNames: [FileIdentity: [UInt8]] = [:]
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)

    private struct FileIdentity: Hashable {
        var fileSystem: UInt64
        var inode: UInt64
    }

    init(epoch: Timestamp, writer: TarWriter) {
        self.epoch = epoch
        self.writer = writer
    }

    /// Writes the whole tree, the members of `trailer`, and the end marker.
    func write(_ root: FilePath, trailer: SmallArchive? = nil) throws(RootcellarError) {
        let directory: FileDescriptor
        do {
            directory = try .open(root, .readOnly, options: [.directory, .closeOnExec, .noFollow])
        } catch {
            throw RootcellarError(.build, "cannot open the rootfs: \(error)", subject: root.string)
        }
        defer { try? directory.close() }
        let status = try reading([]) { () throws(Errno) in try directory.status() }
        try begin(entry([], .directory, status, try attributes(of: directory, [])))
        try walk(directory, [], depth: 0)
        try trailer?.write(to: &writer)
        try writer.finish()
    }

    private func walk(
        _ directory: FileDescriptor,
        _ path: [UInt8],
        depth: Int
    ) throws(RootcellarError) {
        guard depth < 64 else {
            throw RootcellarError(.build, "more than 64 directories deep", subject: text(path))
        }
        let names = try reading(path) { () throws(Errno) in try directory.names() }
        for name in names {
            let child = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
            let status = try reading(child) { () throws(Errno) in try directory.status(of: name) }
            switch status.kind {
            case .directory:
                let opened = try reading(child) { () throws(Errno) in
                    try directory.open(name, O_RDONLY | O_DIRECTORY)
                }
                defer { try? opened.close() }
                try begin(entry(child, .directory, status, try attributes(of: opened, child)))
                try walk(opened, child, depth: depth + 1)
            case .file: try writeFile(directory, name, child, status)
            case .symbolicLink:
                let target = try reading(child) { () throws(Errno) in try directory.symbolicLink(name) }
                var link = entry(child, .symbolicLink, status, [])
                link.linkTarget = target
                link.mode = 0o777
                try begin(link)
            case .fifo: try begin(entry(child, .fifo, status, []))
            case .socket, .device: continue
            }
        }
    }

    private func writeFile(
        _ directory: FileDescriptor,
        _ name: [UInt8],
        _ path: [UInt8],
        _ status: ObjectStatus
    ) throws(RootcellarError) {
        if status.links > 1 {
            let identity = FileIdentity(fileSystem: status.fileSystem, inode: status.inode)
            if let first = firstNames[identity] {
                var link = entry(path, .hardLink, status, [])
                link.linkTarget = first
                try begin(link)
                return
            }
            firstNames[identity] = path
        }
        let file = try reading(path) { () throws(Errno) in try directory.open(name, O_RDONLY) }
        defer { try? file.close() }
        var member = entry(path, .file, status, try attributes(of: file, path))
        member.size = status.size
        try begin(member)
        contentBytes += member.size
        var left = member.size
        while left > 0 {
            let count = try reading(path) { () throws(Errno) in try readBlock(file, &buffer) }
            guard count > 0 else {
                throw RootcellarError(.build, "a file shrank while it was packed", subject: text(path))
            }
            let used = min(count, left)
            try buffer.withPrefix(used) { piece throws(RootcellarError) in try writer.content(piece) }
            left -= used
        }
    }

    private func begin(_ entry: TarEntry) throws(RootcellarError) {
        entries += 1
        try writer.begin(entry)
    }

    private func entry(
        _ path: [UInt8],
        _ kind: TarEntry.Kind,
        _ status: ObjectStatus,
        _ attributes: [TarEntry.Attribute]
    ) -> TarEntry {
        TarEntry(
            path: path,
            kind: kind,
            mode: path.isEmpty ? 0o755 : status.mode,
            uid: status.uid,
            gid: status.gid,
            modified: max(0, min(status.modified, epoch.seconds)),
            attributes: attributes
        )
    }

    private func attributes(
        of object: FileDescriptor,
        _ path: [UInt8]
    ) throws(RootcellarError) -> [TarEntry.Attribute] {
        try reading(path) { () throws(Errno) in try object.imageAttributes() }
    }

    private func reading<Result>(
        _ path: [UInt8],
        _ body: () throws(Errno) -> Result
    ) throws(RootcellarError) -> Result {
        do throws(Errno) {
            return try body()
        } catch {
            throw systemError(.build, "cannot read the rootfs", error, subject: text(path))
        }
    }

    private func text(_ path: [UInt8]) -> String { "/" + String(decoding: path, as: UTF8.self) }
}
