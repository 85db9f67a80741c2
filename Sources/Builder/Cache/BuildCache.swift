// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
package import SystemPackage

/// What is kept between builds below one directory: package files, bootstrapped roots, lists of archives.
///
///     packages/sha256/<hex>       package files
///     packages/bootstrap/<hex>    which of them a bootstrap with these inputs took
///     bootstrap/<hex>.tar.zst     a root, and its hash beside it
///     bootstrap/lists/<hex>/      an archive's lists
///     tmp/                        what is being written
///     lock                        held by whoever writes or removes
///
/// Everything is found by its hash and compared with it before it is used, so that a damaged file is only a missing one.
package struct BuildCache: Sendable {
    /// How many bytes are kept if nothing else is said.
    package static let standardLimit = 10 << 30

    /// One kept thing.
    package struct Entry: Sendable, Hashable {
        /// What it is.
        package enum Kind: String, Sendable {
            case package
            case bootstrap
            case lists
        }

        package var kind: Kind
        /// The hash it is found by.
        package var key: String
        /// Bytes on disk.
        package var size: Int
        /// When a build used it last.
        package var lastUsed: Timestamp
    }

    /// The directory.
    package let path: FilePath
    let packages: PackageCache
    let bootstraps: BootstrapCache

    /// The cache in a directory, which is made if it is not there.
    ///
    /// - Throws: `CACHE` if it belongs to somebody else or others can write into it, `BUILD` if it cannot be made.
    package init(_ path: FilePath) throws(RootcellarError) {
        self.path = absolutePath(path)
        try makeHostDirectories(self.path)
        try Self.checkOwner(self.path)
        for name in ["tmp", "packages/sha256", "packages/bootstrap", "bootstrap/lists"] {
            try makeHostDirectories(self.path.appending(name))
        }
        packages = PackageCache(self.path)
        bootstraps = BootstrapCache(self.path)
    }

    /// Where builds keep things by default: for root `/var/cache/rootcellar/build`, for others
    /// `~/.cache/rootcellar/build`, and wherever `XDG_CACHE_HOME` leads if it is set. Nil where there is no such place.
    package static func standardPath() -> FilePath? {
        if let base = variable("XDG_CACHE_HOME") { return base.appending("rootcellar/build") }
        if isMachineRoot { return "/var/cache/rootcellar/build" }
        return variable("HOME")?.appending(".cache/rootcellar/build")
    }

    private static func variable(_ name: String) -> FilePath? {
        guard let value = unsafe getenv(name) else { return nil }
        let path = FilePath(unsafe String(cString: value))
        return path.isAbsolute ? path : nil
    }

    /// Inside a build's user namespace everybody is root; its map says who that is outside.
    private static var isMachineRoot: Bool {
        guard let bytes = try? readFile("/proc/self/uid_map") else { return geteuid() == 0 }
        let numbers = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return numbers.starts(with: ["0", "0"])
    }

    private static func checkOwner(_ path: FilePath) throws(RootcellarError) {
        let status = try building("open", path.string) { () throws(Errno) in
            let directory = try openPath(path, .readOnly, .directory)
            defer { directory.closeQuietly() }
            return try directory.status()
        }
        guard status.uid == geteuid(), status.mode & 0o022 == 0 else {
            throw RootcellarError(
                .cache,
                "the directory belongs to another user, or others can write into it",
                subject: path.string,
                hint: "name another one with --cache, or chown and chmod 755 it"
            )
        }
    }

    // MARK: - Looking after it

    /// Everything that is kept, what was used last first.
    package func entries() throws(RootcellarError) -> [Entry] {
        var entries: [Entry] = []
        for (kind, place) in Self.places {
            let directory = try building("open", path.appending(place).string) { () throws(Errno) in
                try openPath(path.appending(place), .readOnly, .directory)
            }
            defer { directory.closeQuietly() }
            for name in (try? directory.names()) ?? [] {
                guard let key = Self.key(name, kind), let status = try? directory.status(of: name) else { continue }
                let lastUsed = Timestamp(seconds: status.modified)
                let size =
                    kind == .lists
                    ? Self.size(of: path.appending(place).appending(String(decoding: name, as: UTF8.self)))
                    : status.size
                entries.append(Entry(kind: kind, key: key, size: size, lastUsed: lastUsed))
            }
        }
        return entries.sorted { ($1.lastUsed, $0.key) < ($0.lastUsed, $1.key) }
    }

    private static let places: [(Entry.Kind, String)] = [
        (.package, "packages/sha256"), (.bootstrap, "bootstrap"), (.lists, "bootstrap/lists"),
    ]

    private static func key(_ name: [UInt8], _ kind: Entry.Kind) -> String? {
        var text = String(decoding: name, as: UTF8.self)
        if kind == .bootstrap {
            guard text.hasSuffix(".tar.zst") else { return nil }
            text.removeLast(8)
        }
        return SHA256Digest(hex: text)?.description
    }

    private static func size(of directory: FilePath) -> Int {
        guard let opened = try? openPath(directory, .readOnly, [.directory, .noFollow]) else { return 0 }
        defer { opened.closeQuietly() }
        return ((try? opened.names()) ?? []).reduce(0) { $0 + ((try? opened.status(of: $1).size) ?? 0) }
    }

    /// Reads every file and compares it with its hash; lists are verified by apt each time they are used.
    ///
    /// - Parameter repair: whether to remove what is damaged.
    /// - Returns: how many were read, and those that are damaged.
    package func verify(repair: Bool) throws(RootcellarError) -> (checked: Int, damaged: [Entry]) {
        var checked = 0
        var damaged: [Entry] = []
        for entry in try entries() where entry.kind != .lists {
            checked += 1
            let isGood = entry.kind == .package ? packages.isGood(entry.key) : bootstraps.isGood(entry.key)
            if !isGood { damaged.append(entry) }
        }
        if repair {
            try CacheLock.locked(path) { () throws(RootcellarError) in for entry in damaged { remove(entry) } }
        }
        return (checked, damaged)
    }

    /// Removes what was not used for the longest time until the rest is within the limit.
    ///
    /// - Parameters:
    ///   - unusedFor: seconds; what was not used for longer goes in any case.
    ///   - limit: bytes.
    /// - Returns: what was removed, or would be.
    package func prune(
        unusedFor: Int64? = nil,
        limit: Int = standardLimit,
        now: Timestamp,
        dryRun: Bool = false
    ) throws(RootcellarError) -> [Entry] {
        try CacheLock.locked(path) { () throws(RootcellarError) in
            var removed: [Entry] = []
            var total = 0
            for entry in try entries() {
                let isOld = unusedFor.map { now.seconds - entry.lastUsed.seconds > $0 } ?? false
                if !isOld, total + entry.size <= limit {
                    total += entry.size
                } else {
                    removed.append(entry)
                    if !dryRun { remove(entry) }
                }
            }
            return removed
        }
    }

    private func remove(_ entry: Entry) {
        switch entry.kind {
        case .package: packages.remove(entry.key)
        case .bootstrap: bootstraps.remove(entry.key)
        case .lists: bootstraps.removeLists(entry.key)
        }
    }
}

/// The lock of a cache for builds.
enum CacheLock {
    /// Where files are written before they get their names; empty whenever nobody holds the lock.
    static func temporary(_ cache: FilePath) -> FilePath { cache.appending("tmp") }

    /// Runs `body` while nobody else writes, after what killed builds left has been removed.
    static func locked<Result>(
        _ cache: FilePath,
        _ body: () throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        let path = cache.appending("lock")
        let file = try building("lock", path.string) { () throws(Errno) in
            let file = try openPath(path, .readWrite, .create)
            while flock(file.rawValue, LOCK_EX) != 0 {
                if errno != EINTR { throw Errno(rawValue: errno) }
            }
            return file
        }
        defer { file.closeQuietly() }
        if let left = try? openPath(temporary(cache), .readOnly, .directory) {
            defer { left.closeQuietly() }
            try? emptyDirectory(left)
        }
        return try body()
    }
}
