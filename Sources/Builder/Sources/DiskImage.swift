// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// A compressed image of a disk with a root in ext4 on its last partition, read without mounting anything: mounting would
/// need root, and would give the kernel's file systems bytes from outside.
struct DiskImage {
    let context: BuildContext
    let file: FetchedFile

    private static let sector = 512
    private static let limit = 64 << 30

    /// Copies the root out.
    ///
    /// - Returns: when the file system was last written.
    func extractRoot(into rootfs: FilePath) throws(RootcellarError) -> Timestamp {
        let disk = context.directory.scratch.appending("disk.img")
        try expand(to: disk)
        guard let root = try root(disk) else {
            throw RootcellarError(.source, "the disk image has no ext4 file system", subject: file.name)
        }
        try root.extract(into: rootfs, name: file.name, log: context.log)
        return root.written
    }

    private func expand(to disk: FilePath) throws(RootcellarError) {
        let output = try building("make", disk.string) { () throws(Errno) in
            try openPath(disk, .writeOnly, [.create, .truncate])
        }
        defer { output.closeQuietly() }
        let input = try building("open", file.path.string) { () throws(Errno) in try openPath(file.path, .readOnly) }
        defer { input.closeQuietly() }
        let magic = try building("read", file.path.string) { () throws(Errno) in try readStart(file.path, count: 16) }
        guard let compression = Compression(magic: magic) else {
            throw RootcellarError(.source, "not a compressed disk image", subject: file.name)
        }
        do throws(RootcellarError) {
            try compression.decompress(input, to: output, limit: Self.limit, ratio: 5000)
        } catch {
            // Images of OpenWrt have padding or a signature behind the compressed data, which tools there ignore.
            guard compression == .gzip, (try? output.seek(offset: 0, from: .current)) ?? 0 > 1 << 20 else {
                throw RootcellarError(.source, error.reason, subject: file.name)
            }
        }
    }

    private func read(_ disk: FilePath, at offset: Int, count: Int) throws(RootcellarError) -> ArraySlice<UInt8> {
        try building("read", disk.string) { () throws(Errno) in
            let input = try openPath(disk, .readOnly)
            defer { input.closeQuietly() }
            let bytes = try readAt(input, offset, count)
            guard bytes.count == count else { throw Errno.ioError }
            return bytes[...]
        }
    }

    /// The ext file system of the last partition that has one: of a GPT (UEFI specification, 5.3), else of an MBR.
    private func root(_ disk: FilePath) throws(RootcellarError) -> ExtImage? {
        let number = LittleEndian.number
        let head = try read(disk, at: 0, count: 2 * Self.sector)
        var starts: [Int] = []
        if head[512...].starts(with: "EFI PART".utf8) {
            let table = number(head[512 + 72..<512 + 80])
            let count = number(head[512 + 80..<512 + 84])
            let size = number(head[512 + 84..<512 + 88])
            guard (1...256).contains(count), (128...512).contains(size), (1..<1 << 20).contains(table) else {
                throw RootcellarError(.source, "the partition table is damaged", subject: file.name)
            }
            let entries = try read(disk, at: table * Self.sector, count: count * size)
            for index in 0..<count {
                let start = number(entries[index * size + 32..<index * size + 40])
                if (1..<1 << 40).contains(start) { starts.append(start * Self.sector) }
            }
        } else {
            for index in 0..<4 {
                let start = number(head[446 + index * 16 + 8..<446 + index * 16 + 12])
                if start > 0 { starts.append(start * Self.sector) }
            }
        }
        for start in (starts + [0]).sorted(by: >) {
            if let root = try ExtImage(disk, offset: start) { return root }
        }
        return nil
    }
}
