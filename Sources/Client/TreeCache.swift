// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
import SystemPackage

/// The unpacked rootfs of a build, kept where the cache and the containers are on one file system whose files can share
/// their content (btrfs, xfs): the next container is made of it without decompressing or reading anything.
///
/// A tree is believed for as long as its fingerprint is what it was when it was made, which says that nobody has changed
/// anything in it, and only until the machine is started anew: what a power cut leaves of it is unknown. Trees are made
/// for the machine's own root only; in a user namespace their files would belong to ids that their user cannot remove.
struct TreeCache {
    /// What is known of a tree. It is written last, so without it there is no tree.
    struct Record: Document {
        static let title = "record of an unpacked tree"
        var format = documentFormat
        var fingerprint: SHA256Digest
        /// What the unpacker said.
        var report: String
        /// The boot in which it was made (random(4)).
        var boot: String
        var contentBytes: Int
    }

    private let layout: CacheLayout
    private let digest: SHA256Digest
    private let boot: String

    /// The tree of a tar; nil where none can be kept.
    init?(_ tar: ImageDocument.Tar, _ setting: ImageSetting<PinnedServer>, for rootfs: FileDescriptor) {
        layout = setting.layout
        digest = tar.sha256
        guard setting.surroundings.namespace.kind == .none, setting.surroundings.userID == 0,
            let boot = readSmallFile("/proc/sys/kernel/random/boot_id")?.split(whereSeparator: \.isWhitespace).first
        else { return nil }
        self.boot = String(boot)
        guard (try? layout.makeDirectory(layout.locks)) != nil,
            unsafe layout.locks.withPlatformString({ unsafe clinux_can_clone($0, rootfs.rawValue) }) == 1
        else {
            return nil
        }
    }

    /// Fills an empty rootfs from the tree, which is made first if it is not there or no longer believed.
    ///
    /// - Parameters:
    ///   - words: what the copying process is told about files that are different in every container.
    ///   - make: fills an empty directory with the tree.
    /// - Throws: `CACHE` for what is wrong with the cache; what `make` throws.
    func fill(
        _ rootfs: FileDescriptor,
        _ words: [String],
        narrator: Narrator,
        make: (FileDescriptor) throws(RootcellarError) -> UnpackReport
    ) throws(RootcellarError) -> UnpackReport {
        let lock = try FileLock(layout.lock("tree-\(digest)"), of: layout) { holder in
            narrator.progress("Waiting for \(holder), which is unpacking this image")
        }
        defer { withExtendedLifetime(lock) {} }
        if let record = Self.record(digest, layout), record.boot == boot, Self.isThere(digest, layout) {
            narrator.progress("Using image from local cache")
            narrator.progress("Unpacking the rootfs")
            if try copy(to: rootfs, words) == record.fingerprint { return try UnpackReport(record.report) }
            narrator.warn("CACHE: the unpacked tree was changed and is made anew")
            try emptyRootfs(rootfs)
        }
        try Self.discard(digest, layout)
        let report = try fillTree(make)
        let record = Record(
            fingerprint: try copy(to: rootfs, words),
            report: report.line,
            boot: boot,
            contentBytes: report.contentBytes
        )
        try layout.replace(layout.treeRecord(digest), by: try record.canonicalBytes(), isDurable: false)
        return report
    }

    private func fillTree(
        _ make: (FileDescriptor) throws(RootcellarError) -> UnpackReport
    ) throws(RootcellarError) -> UnpackReport {
        let tree: FileDescriptor
        do {
            try layout.makeDirectory(layout.trees)
            // In a tree there are programs that run as root, and not yet any container around them.
            let trees = try FileDescriptor.open(
                layout.trees,
                .readOnly,
                options: [.directory, .closeOnExec, .noFollow]
            )
            defer { try? trees.close() }
            try trees.changeMode(0o700)
            try trees.makeDirectory("\(digest)".utf8, mode: 0o700)
            tree = try trees.open("\(digest)".utf8, O_RDONLY | O_DIRECTORY)
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(.cache, "cannot make a directory: \(error)", subject: layout.trees.string)
        }
        defer { try? tree.close() }
        do throws(RootcellarError) {
            return try make(tree)
        } catch {
            try? Self.discard(digest, layout)
            throw error
        }
    }

    /// - Returns: the fingerprint of the tree.
    private func copy(to rootfs: FileDescriptor, _ words: [String]) throws(RootcellarError) -> SHA256Digest {
        do {
            let tree = try FileDescriptor.open(
                layout.tree(digest),
                .readOnly,
                options: [.directory, .closeOnExec, .noFollow]
            )
            defer { try? tree.close() }
            let report = try makePipe()
            defer { try? report.reading.close() }
            do {
                defer { try? report.writing.close() }
                try UnpackPipeline.run(["clone"] + words, output: report.writing, more: [rootfs, tree])
            }
            let word = UnpackPipeline.text(report.reading).split(whereSeparator: \.isWhitespace).first ?? ""
            guard let fingerprint = SHA256Digest(hex: String(word)) else {
                throw RootcellarError(.internal, "the unpacker's report is unreadable")
            }
            return fingerprint
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(
                .cache,
                "cannot read the unpacked tree: \(error)",
                subject: layout.tree(digest).string
            )
        }
    }

    // MARK: - For those who look after the cache

    /// What is known of the tree of a tar; nil if there is no whole one.
    static func record(_ digest: SHA256Digest, _ layout: CacheLayout) -> Record? {
        guard let bytes = try? readFile(layout.treeRecord(digest), limit: 64 << 10, .cache) else { return nil }
        return try? Record(verified: bytes, subject: "cache")
    }

    /// Whether a tree is as it was when it was made.
    static func isWhole(_ digest: SHA256Digest, _ layout: CacheLayout) -> Bool {
        guard let record = record(digest, layout),
            let tree = try? FileDescriptor.open(
                layout.tree(digest),
                .readOnly,
                options: [.directory, .closeOnExec, .noFollow]
            )
        else { return false }
        defer { try? tree.close() }
        return (try? TreeFingerprint.of(tree)) == record.fingerprint
    }

    /// Removes a tree that nobody is using; none is fine.
    static func remove(_ digest: SHA256Digest, _ layout: CacheLayout) {
        guard isThere(digest, layout), let lock = FileLock(ifFree: layout.lock("tree-\(digest)"), of: layout) else {
            return
        }
        try? discard(digest, layout)
        withExtendedLifetime(lock) {}
    }

    /// Whether there is a tree, whole or not.
    static func isThere(_ digest: SHA256Digest, _ layout: CacheLayout) -> Bool {
        unsafe layout.tree(digest).withPlatformString { unsafe access($0, F_OK) == 0 }
    }

    /// Removes a tree, its record first.
    private static func discard(_ digest: SHA256Digest, _ layout: CacheLayout) throws(RootcellarError) {
        removeFile(layout.treeRecord(digest))
        do {
            let trees = try FileDescriptor.open(
                layout.trees,
                .readOnly,
                options: [.directory, .closeOnExec, .noFollow]
            )
            defer { try? trees.close() }
            let tree = try trees.open("\(digest)".utf8, O_RDONLY | O_DIRECTORY)
            defer { try? tree.close() }
            try emptyDirectory(tree)
            try trees.remove("\(digest)".utf8, directory: true)
        } catch Errno.noSuchFileOrDirectory {
            return
        } catch {
            throw RootcellarError(
                .cache,
                "cannot remove an unpacked tree: \(error)",
                subject: layout.tree(digest).string
            )
        }
    }
}
