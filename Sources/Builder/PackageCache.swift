// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Glibc
import Model
import SystemPackage

/// Package files kept between builds by their hash.
///
/// apt takes a file that lies in its archive directory without looking further than its size; so only such files are
/// put there whose bytes are those that the verified list of the archive names.
struct PackageCache: Sendable {
    private let directory: FilePath

    /// The cache below `base`, made if it is not there.
    init(_ base: FilePath) throws(RootcellarError) {
        directory = base.appending("packages").appending("sha256")
        try makeHostDirectories(directory)
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
            guard let bytes = try? readFile(directory.appending(hash), limit: 2 << 30) else { continue }
            guard bytes.count == entry.size, SHA256Digest(hashing: bytes).description == hash else {
                try? remove(hash)
                continue
            }
            try rootfs.write("\(AptPaths.archives)/\(entry.fileName)", bytes)
            saved += bytes.count
        }
        return saved
    }

    /// Keeps the package files of the root's archive directory that the archive's list names.
    ///
    /// - Returns: the hashes of all of them, sorted.
    func keep(from rootfs: RootfsDirectory, _ index: PackageIndex) throws(RootcellarError) -> [String] {
        var hashes: [String] = []
        for name in rootfs.names(AptPaths.archives).map({ String(decoding: $0, as: UTF8.self) })
        where name.hasSuffix(".deb") {
            guard let bytes = try rootfs.read("\(AptPaths.archives)/\(name)", limit: 2 << 30) else { continue }
            let hash = SHA256Digest(hashing: bytes).description
            guard index.entries[hash]?.fileName == name else { continue }
            hashes.append(hash)
            let path = directory.appending(hash)
            if let there = try? openPath(path, .readOnly) {
                there.closeQuietly()
                continue
            }
            let temporary = directory.appending(".\(hash)-\(getpid())")
            try building("write into the cache", temporary.string) { () throws(Errno) in
                try writeFile(temporary, bytes)
            }
            try renameHost(temporary, to: path)
        }
        return hashes.sorted()
    }

    /// Which files a bootstrap with these inputs took the last time.
    func remembered(_ inputs: SHA256Digest) -> [String] {
        guard let bytes = try? readFile(directory.appending("bootstrap-\(inputs)")) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { SHA256Digest(hex: $0) != nil }
    }

    /// Remembers which files a bootstrap took.
    func remember(_ inputs: SHA256Digest, _ hashes: [String]) {
        let path = directory.appending("bootstrap-\(inputs)")
        try? writeFile(path, Array(hashes.map { $0 + "\n" }.joined().utf8))
    }

    private func remove(_ name: String) throws(Errno) {
        let result = unsafe directory.appending(name).withPlatformString { unsafe unlink($0) }
        if result != 0 { throw Errno(rawValue: errno) }
    }
}
