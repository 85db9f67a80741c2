// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
package import SystemPackage

/// What is in the cache, and which of it belongs to what.
package struct CacheInventory {
    /// One build of an image.
    package struct Build {
        package var name: ImageName
        package var record: ImageRecord
        /// Whether it is the one that was last used of its image.
        package var isCurrent: Bool
        package var isPinned: Bool
        /// When it was last used.
        package var lastUsed: Timestamp
        /// Its objects that are in the cache.
        package var objects: [SHA256Digest]
        /// The bytes of those, however many builds share them.
        package var size: Int
    }

    /// The builds, sorted by name, the current one of an image first.
    package private(set) var builds: [Build] = []
    /// The tars whose unpacked trees are in the cache.
    package private(set) var trees: [SHA256Digest] = []
    /// All objects with their sizes and the times at which they were written; a tree is an object of its tar's name.
    package private(set) var objects: [SHA256Digest: (size: Int, written: Timestamp)] = [:]
    /// Objects that what is remembered of servers needs.
    package private(set) var neededByServers: Set<SHA256Digest> = []
    /// Files that are not readable as what they should be, and why.
    package private(set) var damaged: [(path: FilePath, why: String)] = []
    package let layout: CacheLayout

    /// Looks at the whole cache. No object's content is read but that of image documents and manifests.
    ///
    /// - Throws: `CACHE` if it cannot be read.
    package init(_ layout: CacheLayout) throws(RootcellarError) {
        self.layout = layout
        try layout.prepare()
        for name in CacheLayout.names(layout.objects) {
            guard let digest = SHA256Digest(hex: name), let status = Self.status(layout.object(digest)) else {
                damaged.append((layout.objects.appending(name), "this name means nothing here"))
                continue
            }
            objects[digest] = (status.size, Timestamp(seconds: status.modified))
        }
        for name in CacheLayout.names(layout.trees) where !name.hasSuffix(".json") {
            guard let digest = SHA256Digest(hex: name), let status = Self.status(layout.tree(digest)) else {
                damaged.append((layout.trees.appending(name), "this name means nothing here"))
                continue
            }
            trees.append(digest)
            let size = TreeCache.record(digest, layout)?.contentBytes ?? 0
            let tar = objects[digest]
            objects[digest] = (
                size + (tar?.size ?? 0), tar?.written ?? Timestamp(seconds: status.changed / 1_000_000_000)
            )
        }
        let store = ObjectStore(CacheLayout(base: layout.base))
        let pins = records(below: layout.root.appending("pins"))
        for (name, record, used) in records(below: layout.root.appending("images")) {
            let isPinned = pins.contains { $0.name == name && $0.record.image == record.image }
            builds.append(build(name, record, used, isCurrent: true, isPinned: isPinned, store))
        }
        for (name, record, used) in pins
        where !builds.contains(where: { $0.name == name && $0.record.image == record.image }) {
            builds.append(build(name, record, used, isCurrent: false, isPinned: true, store))
        }
        builds.sort { ($0.name.path, $0.isCurrent ? 0 : 1) < ($1.name.path, $1.isCurrent ? 0 : 1) }
        for name in CacheLayout.names(layout.root.appending("servers")) where name.hasSuffix(".json") {
            let id = String(name.dropLast(5))
            do throws(RootcellarError) {
                if CacheLayout.isPlainState(id) {
                    neededByServers.formUnion(try layout.objects(ofPlainState: id))
                    continue
                }
                guard let state = try layout.readState(of: id) else { continue }
                neededByServers.insert(state.manifest.file.sha256)
                guard let bytes = try store.read(state.manifest.file, keepsDamaged: true) else { continue }
                let file = try SignedFile(reading: bytes, kind: .manifest, subject: name)
                let manifest = try Manifest(verified: file.payload, subject: name)
                neededByServers.formUnion(manifest.indexes.values.map(\.sha256))
            } catch {
                damaged.append((layout.server(id), error.reason))
            }
        }
    }

    /// Objects that nothing refers to.
    package var unneeded: [SHA256Digest] {
        let needed = builds.reduce(into: neededByServers) { $0.formUnion($1.objects) }
        return objects.keys.filter { !needed.contains($0) }.sorted()
    }

    private func build(
        _ name: ImageName,
        _ record: ImageRecord,
        _ used: Timestamp,
        isCurrent: Bool,
        isPinned: Bool,
        _ store: ObjectStore
    ) -> Build {
        var named = [record.image.sha256]
        if let bytes = try? store.read(record.image, keepsDamaged: true),
            let document = try? ImageDocument(verified: bytes, subject: name.path)
        {
            named += document.files.values.map(\.sha256) + [document.tar.sha256]
        }
        let here = Set(named).filter { objects[$0] != nil }.sorted()
        return Build(
            name: name,
            record: record,
            isCurrent: isCurrent,
            isPinned: isPinned,
            lastUsed: used,
            objects: here,
            size: here.reduce(0) { $0 + (objects[$1]?.size ?? 0) }
        )
    }

    /// Every record below a directory, `<distribution>/<release>/<architecture>/<variant>.json`.
    private mutating func records(
        below top: FilePath
    ) -> [(name: ImageName, record: ImageRecord, used: Timestamp)] {
        var found: [(name: ImageName, record: ImageRecord, used: Timestamp)] = []
        func walk(_ directory: FilePath, _ names: [String]) {
            for name in CacheLayout.names(directory) {
                let path = directory.appending(name)
                guard let status = Self.status(path) else { continue }
                if names.count < 3, status.kind == .directory {
                    walk(path, names + [name])
                    continue
                }
                guard names.count == 3, status.kind == .file, name.hasSuffix(".json"),
                    let image = try? ImageName(path: (names + [String(name.dropLast(5))]).joined(separator: "/")),
                    let bytes = try? readFile(path, limit: 64 << 10, .cache)
                else {
                    damaged.append((path, "this name means nothing here"))
                    continue
                }
                do throws(RootcellarError) {
                    let record = try ImageRecord(verified: bytes, subject: path.string)
                    found.append((image, record, Timestamp(seconds: status.modified)))
                } catch {
                    damaged.append((path, error.reason))
                }
            }
        }
        walk(top, [])
        return found
    }

    private static func status(_ path: FilePath) -> ObjectStatus? {
        guard let name = path.lastComponent?.string,
            let directory = try? FileDescriptor.open(
                path.removingLastComponent(),
                .readOnly,
                options: [.directory, .closeOnExec]
            )
        else { return nil }
        defer { try? directory.close() }
        return try? directory.status(of: name.utf8)
    }
}
