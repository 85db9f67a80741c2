// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// What an earlier check has read to the last byte, kept outside of the tree, so that the next one need not read again
/// what has not changed since.
///
/// A file counts as unchanged if inode, size and both times are the same: the time of change (ctime) cannot be set by
/// whoever writes to the tree, unlike the time of modification. Whoever can write to this file, or to the disk under the
/// file system, can hide changes: a full check now and then finds them.
struct CheckState: Document {
    static let title = "state of a check"
    var format = documentFormat
    /// The tree that it is of, and the key that it was checked by.
    var tree: String
    var fingerprint: Fingerprint
    /// Builds by their directories.
    var builds: [String: Build] = [:]
    /// The hashes of the signed files of manifests that were verified, by version.
    var manifests: [Int: SHA256Digest] = [:]

    /// One build.
    struct Build: Codable, Sendable, Hashable {
        /// The hash of its `image.json`.
        var image: SHA256Digest
        var files: [String: Stamp]
    }

    /// What lstat(2) says about a file.
    struct Stamp: Codable, Sendable, Hashable {
        var size: Int
        var inode: UInt64
        /// Nanoseconds.
        var modified: Int64
        var changed: Int64

        /// - Returns: nil if it is not a regular file.
        init?(_ path: FilePath) {
            var status = stat()
            guard unsafe lstat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            size = Int(status.st_size)
            inode = UInt64(status.st_ino)
            modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
            changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        }
    }

    init(tree: String, fingerprint: Fingerprint) {
        self.tree = tree
        self.fingerprint = fingerprint
    }

    /// The files that every build has beside those in its document.
    static let besides =
        [ImageDocument.fileName, ImageSource.checksums] + ImageSource.signed.map { "\($0).asc" }

    /// Reads it; nil if there is none, or it is of another tree, or damaged: then everything is read.
    static func read(_ path: FilePath, tree: String, fingerprint: Fingerprint) -> CheckState? {
        guard let bytes = try? Disk.read(path, limit: 256 << 20),
            let state = try? CheckState(verified: bytes, subject: path.string),
            state.tree == tree, state.fingerprint == fingerprint
        else { return nil }
        return state
    }

    /// Writes it to its place.
    func write(_ path: FilePath) throws(RootcellarError) {
        let temporary = FilePath(path.string + ".new")
        try Disk.write(try canonicalBytes(), to: temporary, mode: 0o600)
        try Disk.rename(temporary, to: path)
    }

    /// The stamps of a build as it is now; nil if a file is missing.
    static func stamps(_ names: some Sequence<String>, in directory: FilePath) -> [String: Stamp]? {
        var stamps: [String: Stamp] = [:]
        for name in names {
            guard let stamp = Stamp(directory.appending(name)) else { return nil }
            stamps[name] = stamp
        }
        return stamps
    }
}
