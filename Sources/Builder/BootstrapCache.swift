// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Glibc
import Model
import SystemPackage

/// Bootstrapped roots kept between builds, by everything that decides what is in them; variants of a release that begin
/// alike share one. And the lists of archives, so that an unchanged archive answers that it is unchanged.
struct BootstrapCache {
    /// How many bytes of roots are kept.
    static let standardLimit = 4 << 30

    private let directory: FilePath
    private let limit: Int

    /// The cache below `base`, made if it is not there.
    init(_ base: FilePath, limit: Int = standardLimit) throws(RootcellarError) {
        directory = base.appending("bootstrap")
        self.limit = limit
        try makeHostDirectories(directory.appending("lists"))
    }

    private func tar(_ key: SHA256Digest) -> FilePath { directory.appending("\(key).tar.zst") }
    private func sum(_ key: SHA256Digest) -> FilePath { directory.appending("\(key).sha256") }

    /// Fills an empty root from the cache. What is not exactly what was kept is removed and not used.
    ///
    /// - Returns: whether there was one.
    func restore(_ key: SHA256Digest, into rootfs: FilePath, _ log: BuildLog) throws(RootcellarError) -> Bool {
        guard let text = try? readFile(sum(key), limit: 1 << 10),
            let kept = SHA256Digest(hex: stripped(String(decoding: text, as: UTF8.self)))
        else { return false }
        guard let found = try? HashedFile.read(tar(key)), found.sha256 == kept else {
            log.note("warning: the kept bootstrap \(key) is damaged; it is made again")
            remove(key)
            return false
        }
        let file = try building("open", tar(key).string) { () throws(Errno) in try openPath(tar(key), .readOnly) }
        defer { file.closeQuietly() }
        try? file.setModified(Int64(time(nil)), 0)
        let source = FetchedFile(
            name: "the kept bootstrap",
            path: tar(key),
            descriptor: file,
            size: found.size,
            sha256: "",
            sha512: ""
        )
        _ = try SourceUnpacking(file: source, log: log).run(into: rootfs)
        return true
    }

    /// Keeps a root.
    func keep(_ key: SHA256Digest, _ rootfs: FilePath, epoch: Timestamp, threads: Int) throws(RootcellarError) {
        let temporary = directory.appending(".\(key)-\(getpid())")
        defer { removeFile(temporary) }
        let packed = try RootfsPacker(epoch: epoch, threads: threads).pack(
            rootfs,
            outputs: [.init(.zstd(level: 1), name: "root", path: temporary)]
        )
        guard let figures = packed.files["root"] else { return }
        // Without its sum a tar counts for nothing, so that the sum comes last.
        removeFile(sum(key))
        try renameHost(temporary, to: tar(key))
        try building("write", sum(key).string) { () throws(Errno) in
            try writeFile(temporary, Array("\(figures.sha256)\n".utf8))
        }
        try renameHost(temporary, to: sum(key))
        prune(keeping: key)
    }

    private func remove(_ key: SHA256Digest) {
        removeFile(sum(key))
        removeFile(tar(key))
    }

    /// Removes the roots that were used the longest time ago, until the rest is within the limit.
    private func prune(keeping key: SHA256Digest) {
        guard let opened = try? openPath(directory, .readOnly, .directory) else { return }
        defer { opened.closeQuietly() }
        var kept: [(key: SHA256Digest, size: Int, used: Int64)] = []
        for name in (try? opened.names()) ?? [] {
            let text = String(decoding: name, as: UTF8.self)
            guard text.hasSuffix(".tar.zst"), let key = SHA256Digest(hex: String(text.dropLast(8))),
                let status = try? opened.status(of: name)
            else { continue }
            kept.append((key, status.size, status.modified))
        }
        var total = kept.reduce(0) { $0 + $1.size }
        for entry in kept.sorted(by: { $0.used < $1.used }) where total > limit && entry.key != key {
            remove(entry.key)
            total -= entry.size
        }
    }

    // MARK: - Lists of archives

    /// Puts the lists of an earlier run into an empty root: apt asks for each whether it has changed, and verifies all of
    /// them again.
    func restoreLists(_ key: SHA256Digest, into lists: FilePath) {
        let kept = directory.appending("lists").appending("\(key)")
        guard (try? openPath(kept, .readOnly, .directory).closeQuietly()) != nil else { return }
        try? makeHostDirectories(lists)
        copy(kept, to: lists)
    }

    /// Keeps the lists that apt has fetched and verified.
    func keepLists(_ key: SHA256Digest, from lists: FilePath) {
        let kept = directory.appending("lists").appending("\(key)")
        let temporary = directory.appending("lists").appending(".\(key)-\(getpid())")
        guard (try? makeHostDirectories(temporary)) != nil else { return }
        copy(lists, to: temporary)
        try? removeHostDirectory(temporary.appending("partial"))
        try? removeHostDirectory(temporary.appending("auxfiles"))
        try? removeHostDirectory(kept)
        if (try? renameHost(temporary, to: kept)) == nil { try? removeHostDirectory(temporary) }
    }

    private func copy(_ from: FilePath, to: FilePath) {
        guard let program = HostProgram.find("cp"), let null = try? openPath("/dev/null", .readWrite) else { return }
        defer { null.closeQuietly() }
        _ = try? HostProgram.run(
            program,
            ["--recursive", "--preserve=timestamps", "--", "\(from.string)/.", to.string],
            environment: ["PATH": HostProgram.searchPath],
            output: null
        )
    }
}
