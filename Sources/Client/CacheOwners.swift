// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Whose directories a cache may be made of. What is in a cache is checked whenever it is used, but whoever can write to
/// one can hold up everybody who uses it, and what is remembered of a server is believed as it stands.
struct CacheOwners: Sendable {
    /// Those of this process.
    static let current = CacheOwners(userID: geteuid(), isNamespace: UserNamespace.current().kind != .none)

    let userID: UInt32
    /// In a user namespace the ids that have a name are those that were given to the caller.
    let isNamespace: Bool
    /// What an id without a name in this namespace is shown as (`/proc/sys/kernel/overflowuid`).
    private static let nameless: UInt32 = 65534

    /// Whether a directory of this owner is as good as one of the caller's.
    func accepts(_ uid: UInt32) -> Bool {
        isNamespace ? uid != Self.nameless : uid == 0 || uid == userID
    }

    /// Gives something new to the owner of the directory that it is in: in a namespace the new object belongs to the
    /// container's root, and the caller himself could not remove it any more.
    func adopt(_ object: FileDescriptor, in directory: FilePath) {
        guard isNamespace,
            let parent = try? FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
        else { return }
        defer { try? parent.close() }
        guard let status = try? parent.status(), accepts(status.uid) else { return }
        let gid = status.gid == Self.nameless ? UInt32.max : status.gid
        try? object.changeOwner(uid: status.uid, gid: gid)
    }

    /// Checks one directory.
    ///
    /// - Parameter isShared: whether it may be one that everybody writes to and nobody removes others' things from, as
    ///   `/tmp` is.
    /// - Throws: `CACHE`.
    func check(_ status: ObjectStatus, _ path: FilePath, isShared: Bool = false) throws(RootcellarError) {
        let way = "or choose another directory with LXC_CACHE_PATH or 'cache' in the configuration"
        switch status.kind {
        case .directory: break
        case .symbolicLink:
            throw RootcellarError(
                .cache,
                "a symbolic link where the cache has a directory",
                subject: path.string,
                hint: "remove it, \(way)"
            )
        default:
            throw RootcellarError(.cache, "not a directory", subject: path.string, hint: "remove it, \(way)")
        }
        let isSticky = isShared && status.mode & 0o1000 != 0
        guard accepts(status.uid) || (isSticky && isNamespace) else {
            throw RootcellarError(
                .cache,
                "this directory belongs to another user (\(status.uid)), who could change what is in it",
                subject: path.string,
                hint: "chown it, \(way); to read a cache of others, name it as 'shared-cache'"
            )
        }
        guard status.mode & 0o022 == 0 || isSticky else {
            throw RootcellarError(
                .cache,
                "others may write to this directory (mode \(String(status.mode, radix: 8)))",
                subject: path.string,
                hint: "chmod go-w \(path), \(way)"
            )
        }
    }
}
