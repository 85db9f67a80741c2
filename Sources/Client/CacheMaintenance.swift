// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
package import SystemPackage

/// Checks the cache and makes it smaller. Everything here may run while containers are made: what somebody has locked
/// is left alone, and what has just arrived is not taken for a leftover.
package struct CacheMaintenance {
    /// What is wrong with a file.
    package struct Fault {
        package var path: FilePath
        package var why: String
        /// Whether it was removed.
        package var isRemoved = false
    }

    /// Something that prune removes, or would remove.
    package struct Removal {
        package var what: String
        package var size: Int
    }

    private let layout: CacheLayout
    private let now: Timestamp
    /// An object is written before the record that names it, so a young one may be about to be named. In seconds.
    private static let grace: Int64 = 3600

    /// Of a cache, at a moment.
    package init(_ layout: CacheLayout, now: Timestamp) {
        self.layout = layout
        self.now = now
    }

    /// Reads everything and compares it with its name.
    ///
    /// - Parameter repair: whether what is damaged is removed; then it is fetched again when it is needed. What is
    ///   remembered of a server is not removed: that would be a way to show it the server's past.
    /// - Returns: how many files were checked, and what is wrong.
    package func verify(repair: Bool) throws(RootcellarError) -> (checked: Int, faults: [Fault]) {
        let inventory = try CacheInventory(layout)
        var faults = inventory.damaged.map { Fault(path: $0.path, why: $0.why) }
        for index in faults.indices
        where repair && faults[index].path.removingLastComponent().lastComponent?.string != "servers" {
            removeFile(faults[index].path)
            faults[index].isRemoved = true
        }
        for digest in inventory.objects.keys.sorted() {
            let path = layout.object(digest)
            guard let why = Self.fault(of: path, digest) else { continue }
            var fault = Fault(path: path, why: why)
            if repair, let lock = FileLock(ifFree: layout.lock(of: digest), of: layout) {
                removeFile(path)
                fault.isRemoved = true
                withExtendedLifetime(lock) {}
            }
            faults.append(fault)
        }
        for digest in inventory.trees.sorted() where !TreeCache.isWhole(digest, layout) {
            // One that is being made is in the hands of whoever has its lock.
            guard let lock = FileLock(ifFree: layout.lock("tree-\(digest)"), of: layout) else { continue }
            withExtendedLifetime(lock) {}
            if repair { TreeCache.remove(digest, layout) }
            let why = "the unpacked tree was changed, or is not whole"
            faults.append(Fault(path: layout.tree(digest), why: why, isRemoved: repair))
        }
        return (inventory.objects.count + inventory.builds.count, faults)
    }

    /// Why a file is not the object that its name says; nil if it is, or is gone by now.
    private static func fault(of path: FilePath, _ digest: SHA256Digest) -> String? {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
            defer { try? file.close() }
            guard try file.status().kind == .file else { return "not a file" }
            var hasher = SHA256Hasher()
            var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
            while true {
                let count = try readBlock(file, &buffer)
                if count == 0 { break }
                let piece = buffer.span.extracting(first: count)
                unsafe hasher.update(piece.bytes)
            }
            return hasher.finish() == digest ? nil : "its content is not what its name says"
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            return "cannot be read: \(error)"
        }
    }

    /// Removes what is not needed: builds that were not used for long, then the longest unused until the cache is small
    /// enough, then everything that nothing refers to. Never what is pinned, and never what somebody is using.
    ///
    /// - Parameters:
    ///   - unusedFor: seconds after which a build may go; nil keeps all.
    ///   - limit: bytes that the cache may have; nil for any.
    ///   - dryRun: only say what would be removed.
    package func prune(
        unusedFor: Int64?,
        limit: Int?,
        dryRun: Bool
    ) throws(RootcellarError) -> [Removal] {
        let inventory = try CacheInventory(layout)
        var removals: [Removal] = []
        var kept = inventory.builds.sorted { $0.lastUsed < $1.lastUsed }
        var going: [CacheInventory.Build] = []
        func size() -> Int {
            kept.reduce(into: inventory.neededByServers) { $0.formUnion($1.objects) }
                .reduce(0) { $0 + (inventory.objects[$1]?.size ?? 0) }
        }
        if let unusedFor {
            going = kept.filter { !$0.isPinned && now.seconds - $0.lastUsed.seconds > unusedFor }
            kept.removeAll { !$0.isPinned && now.seconds - $0.lastUsed.seconds > unusedFor }
        }
        while let limit, size() > limit, let index = kept.firstIndex(where: { !$0.isPinned }) {
            going.append(kept.remove(at: index))
        }
        let needed = kept.reduce(into: inventory.neededByServers) { $0.formUnion($1.objects) }
        for build in going {
            // The record first: without it nobody looks for the objects.
            if !dryRun { removeFile(layout.image(build.name)) }
            let own = build.objects.filter { !needed.contains($0) }
            let freed = own.reduce(0) { $0 + (remove($1, inventory, dryRun) ?? 0) }
            removals.append(Removal(what: "\(build.name.path) \(build.record.serial)", size: freed))
        }
        let gone = Set(going.flatMap(\.objects))
        for digest in inventory.unneeded where !gone.contains(digest) {
            guard let object = inventory.objects[digest], now.seconds - object.written.seconds > Self.grace,
                let freed = remove(digest, inventory, dryRun)
            else { continue }
            removals.append(Removal(what: "object \(digest)", size: freed))
        }
        removals += prunePartials(dryRun)
        return removals
    }

    /// Removes an object that nobody has locked.
    ///
    /// - Returns: its size; nil if it stays.
    private func remove(_ digest: SHA256Digest, _ inventory: CacheInventory, _ dryRun: Bool) -> Int? {
        guard let lock = FileLock(ifFree: layout.lock(of: digest), of: layout) else { return nil }
        defer { withExtendedLifetime(lock) {} }
        if !dryRun {
            TreeCache.remove(digest, layout)
            removeFile(layout.object(digest))
        }
        return inventory.objects[digest]?.size ?? 0
    }

    /// Parts whose lock is free belong to nobody who lives; one that is young may yet be resumed.
    private func prunePartials(_ dryRun: Bool) -> [Removal] {
        var removals: [Removal] = []
        for name in CacheLayout.names(layout.partials) {
            guard let digest = SHA256Digest(hex: name),
                let file = try? FileDescriptor.open(
                    layout.partial(digest),
                    .readOnly,
                    options: [.closeOnExec, .noFollow, .nonBlocking]
                )
            else { continue }
            defer { try? file.close() }
            guard let status = try? file.status(), now.seconds - status.modified > Self.grace,
                let lock = FileLock(ifFree: layout.lock(of: digest), of: layout)
            else { continue }
            if !dryRun { removeFile(layout.partial(digest)) }
            removals.append(Removal(what: "part of \(digest)", size: status.size))
            withExtendedLifetime(lock) {}
        }
        return removals
    }

    /// Keeps the build of an image that is in the cache now, until it is unpinned.
    ///
    /// - Returns: the build's serial.
    /// - Throws: `CACHE` if there is none.
    package func pin(_ name: ImageName) throws(RootcellarError) -> Serial {
        try layout.prepare()
        guard let record = try layout.readRecord(of: name) else {
            throw RootcellarError(
                .cache,
                "no build of this image is in the cache",
                subject: name.path,
                hint: "rootcellar cache list shows what is"
            )
        }
        try layout.replace(layout.pin(name), by: try record.canonicalBytes())
        return record.serial
    }

    /// Lets an image go again.
    ///
    /// - Throws: `CACHE` if it is not pinned.
    package func unpin(_ name: ImageName) throws(RootcellarError) {
        try layout.prepare()
        guard layout.readPin(of: name) != nil else {
            throw RootcellarError(.cache, "this image is not pinned", subject: name.path)
        }
        removeFile(layout.pin(name))
    }
}
