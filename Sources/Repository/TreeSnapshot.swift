// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// The parts of a tree that change, read at one moment between two publications.
struct TreeSnapshot {
    let pointer: [UInt8]
    /// The names that `meta/1.0` and `streams/v1` link to.
    let legacy: String?
    let streams: String?
    /// Of a publication that did not end.
    let journal: Journal?

    /// Reads them for whoever has the lock.
    init(locked layout: TreeLayout) throws(RootcellarError) {
        pointer = try Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit)
        legacy = Disk.linkTarget(layout.path(TreePath.legacyIndexes))
        streams = Disk.linkTarget(layout.path(TreePath.streams))
        journal = try Journal.read(layout)
    }

    /// Reads them under the publishers' lock where there is one that can be opened; a copy of a tree may have none.
    init(_ layout: TreeLayout) throws(RootcellarError) {
        let lock = try? FileDescriptor.open(layout.lock, .readOnly, options: [.noFollow, .closeOnExec])
        defer { try? lock?.close() }
        if let lock {
            let deadline = ContinuousClock.now + .seconds(60)
            while flock(lock.rawValue, LOCK_SH | LOCK_NB) != 0, ContinuousClock.now < deadline { usleep(20_000) }
        }
        let path = layout.path(TreePath.pointer)
        guard Disk.exists(path) else {
            throw RootcellarError(.repository, "there is no published tree", subject: layout.top.string)
        }
        pointer = try Disk.read(path, limit: SignedFile.Kind.pointer.limit)
        legacy = Disk.linkTarget(layout.path(TreePath.legacyIndexes))
        streams = Disk.linkTarget(layout.path(TreePath.streams))
        journal = try Journal.read(layout)
    }
}
