// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Package files kept between builds by their hash.
///
/// apt takes a file that lies in its archive directory without looking further than its size; so only such files are
/// put there whose bytes are those that the verified list of the archive names.
struct PackageCache: Sendable {
    private let cache: FilePath
    private let directory: FilePath
    private let memos: FilePath

    /// The part of the cache `cache` that holds packages.
    init(_ cache: FilePath) {
        self.cache = cache
        directory = cache.appending("packages/sha256")
        memos = cache.appending("packages/bootstrap")
    }

    /// Puts those files that the cache holds into the root's archive directory.
    ///
    /// - Parameters: wanted: what apt is going to need, by hash.
    /// - Returns: how many bytes need not be downloaded.
    func seed(
        _ wanted: [String: PackageIndex.Entry],
        into rootfs: RootfsDirectory
    ) throws(RootcellarError) -> Int {
        try rootfs.makeDirectory(AptPaths.archives)
        var saved = 0
        for (hash, entry) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let file = try? openPath(directory.appending(hash), .readOnly, .noFollow) else { continue }
            defer { file.closeQuietly() }
            let path = "\(AptPaths.archives)/\(entry.fileName)"
            var found = ""
            if (try? file.status().size) == entry.size {
                try rootfs.write(path) { target throws(Errno) in found = try Self.copy(file, to: target) }
            }
            guard found == hash else {
                try rootfs.remove(path)
                remove(hash)
                continue
            }
            try? file.setModified(Int64(time(nil)), 0)
            saved += entry.size
        }
        return saved
    }

    /// Keeps the package files of the root's archive directory that the archive's list names.
    ///
    /// - Returns: the hashes of all of them, sorted.
    func keep(from rootfs: RootfsDirectory, _ index: PackageIndex) throws(RootcellarError) -> [String] {
        let hashes = Dictionary(index.entries.map { ($0.value.fileName, $0.key) }) { first, _ in first }
        return try CacheLock.locked(cache) { () throws(RootcellarError) in
            var kept: [String] = []
            for name in rootfs.names(AptPaths.archives).map({ String(decoding: $0, as: UTF8.self) }) {
                guard let hash = hashes[name] else { continue }
                if (try? openPath(directory.appending(hash), .readOnly).closeQuietly()) == nil {
                    guard try keep("\(AptPaths.archives)/\(name)", of: rootfs, as: hash) else { continue }
                }
                kept.append(hash)
            }
            return kept.sorted()
        }
    }

    private func keep(
        _ path: String,
        of rootfs: RootfsDirectory,
        as hash: String
    ) throws(RootcellarError) -> Bool {
        let temporary = CacheLock.temporary(cache).appending(hash)
        let found = try building("write into the cache", temporary.string) { () throws(Errno) in
            let source = try rootfs.open(Array(path.utf8), O_RDONLY | O_NONBLOCK | O_NOCTTY)
            defer { source.closeQuietly() }
            guard try source.status().kind == .file else { throw Errno.invalidArgument }
            let target = try openPath(temporary, .writeOnly, [.create, .truncate])
            defer { target.closeQuietly() }
            return try Self.copy(source, to: target)
        }
        guard found == hash else {
            removeFile(temporary)
            return false
        }
        try renameHost(temporary, to: directory.appending(hash))
        return true
    }

    /// Which files a bootstrap with these inputs took the last time.
    func remembered(_ inputs: SHA256Digest) -> [String] {
        guard let bytes = try? readFile(memos.appending("\(inputs)")) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { SHA256Digest(hex: $0) != nil }
    }

    /// Remembers which files a bootstrap took.
    func remember(_ inputs: SHA256Digest, _ hashes: [String]) {
        try? writeFile(memos.appending("\(inputs)"), Array(hashes.map { $0 + "\n" }.joined().utf8))
    }

    /// Whether the bytes of a kept file are those of its name.
    func isGood(_ hash: String) -> Bool {
        (try? HashedFile.read(directory.appending(hash)).sha256.description) == hash
    }

    func remove(_ hash: String) { removeFile(directory.appending(hash)) }

    /// Copies a file from where it stands.
    ///
    /// - Returns: the SHA-256 of what was copied, in hexadecimal digits.
    private static func copy(_ source: FileDescriptor, to target: FileDescriptor) throws(Errno) -> String {
        var hasher = SHA256Hasher()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try readBlock(source, &buffer)
            let bytes = buffer.span.extracting(first: count)
            unsafe hasher.update(bytes.bytes)
            unsafe try writeAll(target, bytes.bytes)
            if count < buffer.count { return hasher.finish().description }
        }
    }
}
