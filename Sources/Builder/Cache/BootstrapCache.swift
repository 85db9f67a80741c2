// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Bootstrapped roots kept between builds, by everything that decides what is in them; variants of a release that begin
/// alike share one. And the lists of archives, so that an unchanged archive answers that it is unchanged.
struct BootstrapCache: Sendable {
    private let cache: FilePath
    private let directory: FilePath
    private var lists: FilePath { directory.appending("lists") }

    /// The part of the cache `cache` that holds roots and lists.
    init(_ cache: FilePath) {
        self.cache = cache
        directory = cache.appending("bootstrap")
    }

    private func tar(_ key: String) -> FilePath { directory.appending("\(key).tar.zst") }
    private func sum(_ key: String) -> FilePath { directory.appending("\(key).sha256") }

    /// The figures of a kept tar, if its bytes are those that were kept.
    private func figures(_ key: String) -> ImageDocument.File? {
        guard let text = try? readFile(sum(key), limit: 1 << 10),
            let kept = SHA256Digest(hex: stripped(String(decoding: text, as: UTF8.self))),
            let found = try? HashedFile.read(tar(key)), found.sha256 == kept
        else { return nil }
        return found
    }

    /// Fills an empty root from the cache. What is not exactly what was kept is removed and not used.
    ///
    /// - Returns: whether there was one.
    func restore(_ key: SHA256Digest, into rootfs: FilePath, _ log: BuildLog) throws(RootcellarError) -> Bool {
        let key = key.description
        guard let file = try? openPath(tar(key), .readOnly, .noFollow) else { return false }
        defer { file.closeQuietly() }
        guard let figures = figures(key) else {
            log.note("warning: the kept bootstrap \(key) is damaged; it is made again")
            remove(key)
            return false
        }
        try? file.setModified(Int64(time(nil)), 0)
        let source = FetchedFile(
            name: "the kept bootstrap",
            path: tar(key),
            descriptor: file,
            size: figures.size,
            sha256: "",
            sha512: ""
        )
        _ = try SourceUnpacking(file: source, log: log).run(into: rootfs)
        return true
    }

    /// Keeps a root.
    func keep(_ key: SHA256Digest, _ rootfs: FilePath, epoch: Timestamp, threads: Int) throws(RootcellarError) {
        let key = key.description
        try CacheLock.locked(cache) { () throws(RootcellarError) in
            let temporary = CacheLock.temporary(cache).appending(key)
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
        }
    }

    /// Whether the bytes of a kept root are those that were kept.
    func isGood(_ key: String) -> Bool { figures(key) != nil }

    func remove(_ key: String) {
        removeFile(sum(key))
        removeFile(tar(key))
    }

    // MARK: - Lists of archives

    /// Puts the lists of an earlier run into an empty root: apt asks for each whether it has changed, and verifies all of
    /// them again.
    func restoreLists(_ key: SHA256Digest, into target: FilePath) {
        let kept = lists.appending("\(key)")
        guard let directory = try? openPath(kept, .readOnly, [.directory, .noFollow]) else { return }
        try? directory.setModified(Int64(time(nil)), 0)
        directory.closeQuietly()
        guard (try? makeHostDirectories(target)) != nil else { return }
        copy(kept, to: target)
    }

    /// Keeps the lists that apt has fetched and verified.
    func keepLists(_ key: SHA256Digest, from source: FilePath) throws(RootcellarError) {
        try CacheLock.locked(cache) { () throws(RootcellarError) in
            let temporary = CacheLock.temporary(cache).appending("\(key)")
            try makeHostDirectories(temporary)
            copy(source, to: temporary)
            for name in ["partial", "auxfiles"] { try? removeHostDirectory(temporary.appending(name)) }
            removeLists("\(key)")
            try renameHost(temporary, to: lists.appending("\(key)"))
        }
    }

    func removeLists(_ key: String) { try? removeHostDirectory(lists.appending(key)) }

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
