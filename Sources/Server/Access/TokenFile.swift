// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A token list on the disk, which only its owner may read.
package struct TokenFile: Sendable {
    package let path: FilePath

    /// The list at a path.
    package init(_ path: FilePath) { self.path = path }

    /// Reads the list; an empty one where there is no file and `mayBeMissing`.
    ///
    /// - Throws: `POLICY` if it cannot be read, is no token list, or others may read or write it.
    package func read(mayBeMissing: Bool = false) throws(RootcellarError) -> TokenList {
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try openPath(path, .readOnly, [.nonBlocking])
            defer { file.closeQuietly() }
            let status = try file.status()
            guard status.kind == .file else { throw Errno.invalidArgument }
            guard status.mode & 0o077 == 0 else { throw Errno.notPermitted }
            bytes = try readAll(file, limit: TokenList.limit)
        } catch Errno.noSuchFileOrDirectory where mayBeMissing {
            return TokenList()
        } catch Errno.notPermitted {
            throw RootcellarError(
                .policy,
                "others may read or write the tokens",
                subject: path.string,
                hint: "chmod 600 \(path.string)"
            )
        } catch {
            throw RootcellarError(.policy, "the tokens cannot be read: \(error)", subject: path.string)
        }
        do throws(RootcellarError) { return try TokenList(verified: bytes, subject: path.string) } catch {
            throw RootcellarError(.policy, error.reason, subject: path.string, hint: error.hint)
        }
    }

    /// Changes the list: one at a time, and by rename, so that a reader sees the list before or after.
    package func update(_ change: (inout TokenList) throws(RootcellarError) -> Void) throws(RootcellarError) {
        let lock: FileDescriptor
        do throws(Errno) {
            lock = try openPath(
                FilePath(path.string + ".lock"),
                .readWrite,
                [.create, .noFollow],
                permissions: [.ownerReadWrite]
            )
        } catch { throw failure(error) }
        defer { lock.closeQuietly() }
        guard flock(lock.rawValue, LOCK_EX) == 0 else { throw failure(Errno(rawValue: errno)) }
        var list = try read(mayBeMissing: true)
        try change(&list)
        let bytes = try list.canonicalBytes()
        do throws(Errno) { try replace(bytes) } catch { throw failure(error) }
    }

    private func replace(_ bytes: [UInt8]) throws(Errno) {
        let temporary = FilePath(path.string + ".new")
        let file = try openPath(
            temporary,
            .writeOnly,
            [.create, .truncate, .noFollow],
            permissions: [.ownerReadWrite]
        )
        defer { file.closeQuietly() }
        try file.changeMode(0o600)
        try giveToOwner(file)
        try writeAll(file, unsafe bytes.span.bytes)
        guard fsync(file.rawValue) == 0, unsafe rename(temporary.string, path.string) == 0 else {
            throw Errno(rawValue: errno)
        }
    }

    /// Root makes tokens for a server that is another user: the list stays whose it was, a new one is whose its directory is.
    private func giveToOwner(_ file: FileDescriptor) throws(Errno) {
        let parent = path.removingLastComponent()
        let owner: FileDescriptor
        do throws(Errno) { owner = try openPath(path, .readOnly, [.nonBlocking, .noFollow]) } catch Errno
            .noSuchFileOrDirectory
        {
            owner = try openPath(parent.isEmpty ? "." : parent, .readOnly, .directory)
        }
        defer { owner.closeQuietly() }
        try file.give(toOwnerOf: owner)
    }

    private func failure(_ error: Errno) -> RootcellarError {
        RootcellarError(.policy, "the tokens cannot be written: \(error)", subject: path.string)
    }
}
