// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A private directory in a tree for work that takes long and must not keep other publishers waiting. Its lock, which
/// the kernel gives up when its owner dies, tells others whether it is in use.
final class Workbench {
    let path: FilePath
    private let lock: FileDescriptor

    private static let prefix = "work-"

    init(_ layout: TreeLayout) throws(RootcellarError) {
        let parent = layout.top.appending(TreeLayout.hidden)
        path = parent.appending("\(Self.prefix)\(getpid())-\(UInt32.random(in: 0 ... .max))")
        try Disk.makeDirectory(path, mode: 0o700)
        do {
            lock = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
        } catch { throw Disk.fault("cannot be opened", path, error) }
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0, Disk.exists(path) else {
            throw RootcellarError(.repository, "cannot be locked", subject: path.string, hint: "try again")
        }
    }

    /// Removes it with all that is in it.
    func close() { try? Disk.remove(path) }

    deinit {
        close()
        try? lock.close()
    }

    /// Removes those of publishers that were killed. For whoever has the lock of the tree.
    static func sweep(_ layout: TreeLayout) throws(RootcellarError) {
        let parent = layout.top.appending(TreeLayout.hidden)
        for name in try Disk.members(parent) where name.hasPrefix(prefix) {
            let path = parent.appending(name)
            guard let file = try? FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
            else { continue }
            defer { try? file.close() }
            if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { try Disk.remove(path) }
        }
    }
}
