// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage

/// Puts the members of an archive into a rootfs, and nothing anywhere else.
///
/// Every object is created relative to a descriptor of its parent directory, which is opened from the rootfs with
/// openat2(2) and RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS: no link in the archive, and nobody who swaps directories
/// meanwhile, can lead a write out. Owners and modes are set through descriptors; those of directories at the very end.
package final class RootfsWriter {
    /// What was left out so far.
    package private(set) var omissions = Omissions()

    private let root: FileDescriptor
    private var directories: [TarEntry] = []
    /// Directories that members stand in and that the archive has not named, by path.
    private var implied: [[UInt8]: TarEntry] = [:]
    private static let mostImplied = 65_536
    private var parentPath: [UInt8] = []
    private var parent: FileDescriptor?

    /// A writer into the directory that `root` is open on. The descriptor stays the caller's.
    package init(root: FileDescriptor) { self.root = root }

    deinit { try? parent?.close() }

    /// Creates one member; the content of a file is read from `reader`.
    ///
    /// - Throws: `ARCHIVE` for a member that contradicts an earlier one or cannot be made as it says.
    package func write(_ entry: TarEntry, from reader: TarReader) throws(RootcellarError) {
        omissions += entry.leftOut
        guard !entry.path.isEmpty else {
            directories.append(entry)
            return
        }
        let (parentPath, name) = splitPath(entry.path)
        let parent = try open(parent: parentPath, of: entry)
        switch entry.kind {
        case .file: try writeFile(entry, parent, name, reader)
        case .directory: try makeDirectory(entry, parent, name)
        case .hardLink: try makeHardLink(entry, parent, name)
        case .device: omissions[.devices] += 1
        case .symbolicLink, .fifo:
            try explaining(entry) { () throws(Errno) in
                if entry.kind == .fifo {
                    try parent.makeFIFO(name, mode: entry.mode)
                } else {
                    try parent.makeSymbolicLink(name, to: entry.linkTarget)
                }
                try parent.changeOwner(of: name, uid: entry.uid, gid: entry.gid)
                try parent.setModified(of: name, entry.modified, entry.modifiedNanoseconds)
            }
            for attribute in entry.attributes {
                omissions[AttributePolicy.omission(attribute.name) ?? .attributes] += 1
            }
        }
    }

    /// Gives all directories their owners, modes, attributes and times, the deepest first. The root directory gets
    /// mode 0755 and the container's root as its owner, whatever the archive says: it is what the host's users see.
    package func finish() throws(RootcellarError) {
        for var entry in (directories + implied.values).sorted(by: { $1.path.lexicographicallyPrecedes($0.path) }) {
            if entry.path.isEmpty { (entry.mode, entry.uid, entry.gid) = (0o755, 0, 0) }
            try explaining(entry) { () throws(Errno) in
                let directory = try root.openBeneath(entry.path, O_RDONLY | O_DIRECTORY)
                defer { try? directory.close() }
                try apply(entry, to: directory)
            }
        }
        directories = []
        implied = [:]
    }

    private func writeFile(
        _ entry: TarEntry,
        _ parent: FileDescriptor,
        _ name: ArraySlice<UInt8>,
        _ reader: TarReader
    ) throws(RootcellarError) {
        // With its own mode at once, which the umask may take something of. Nobody reaches it yet: the root of the tree is
        // its owner's alone until the end.
        let file = try explaining(entry) { () throws(Errno) in
            try parent.createFile(name, mode: entry.mode & 0o777)
        }
        defer { try? file.close() }
        let content = HoleWriter(file, extents: entry.extents, size: entry.size)
        try reader.readContent { bytes throws(RootcellarError) in
            do throws(Errno) {
                try content.write(bytes)
            } catch {
                throw Self.explain(error, entry)
            }
        }
        try explaining(entry) { () throws(Errno) in
            try content.finish(size: entry.size)
            try apply(entry, to: file)
        }
    }

    private func makeDirectory(
        _ entry: TarEntry,
        _ parent: FileDescriptor,
        _ name: ArraySlice<UInt8>
    ) throws(RootcellarError) {
        do throws(Errno) {
            try parent.makeDirectory(name, mode: 0o700)
        } catch {
            // The root of a file system has lost+found, and an archive may name a directory twice.
            guard error == .fileExists, let there = try? parent.status(of: name), there.kind == .directory else {
                throw Self.explain(error, entry)
            }
        }
        implied[entry.path] = nil
        directories.append(entry)
    }

    /// Makes the directories above a member that have no member of their own, as tar(1) and others do: with mode 0755, the
    /// container's root as their owner, and the time of the member.
    private func imply(_ path: ArraySlice<UInt8>, for entry: TarEntry) throws(RootcellarError) -> FileDescriptor {
        for end in path.indices.filter({ path[$0] == UInt8(ascii: "/") }) + [path.endIndex] {
            let (parentPath, name) = splitPath(Array(path[..<end]))
            do throws(Errno) {
                let parent = try root.openDirectoryBeneath(parentPath)
                defer { try? parent.close() }
                try parent.makeDirectory(name, mode: 0o700)
            } catch {
                if error == .fileExists { continue }
                throw Self.explain(error, entry)
            }
            guard implied.count < Self.mostImplied else {
                throw refuse("more than \(Self.mostImplied) directories without members of their own", entry.path)
            }
            let directory = Array(path[..<end])
            implied[directory] = TarEntry(path: directory, kind: .directory, mode: 0o755, modified: entry.modified)
        }
        return try explaining(entry) { () throws(Errno) in try root.openDirectoryBeneath(path) }
    }

    private func makeHardLink(
        _ entry: TarEntry,
        _ parent: FileDescriptor,
        _ name: ArraySlice<UInt8>
    ) throws(RootcellarError) {
        let (targetPath, targetName) = splitPath(entry.linkTarget)
        let kind = try explaining(entry) { () throws(Errno) in
            let targetParent = try root.openDirectoryBeneath(targetPath)
            defer { try? targetParent.close() }
            let kind = try targetParent.status(of: targetName).kind
            // The rootfs was empty, so a regular file in it is one that this archive made.
            if kind == .file { try parent.makeHardLink(name, to: targetName, in: targetParent) }
            return kind
        }
        guard kind == .file else { throw refuse("a hard link to something that is not a file", entry.path) }
    }

    /// Owner first: chown(2) clears set-id bits and file capabilities. Access control lists after the mode, whose
    /// group bits they own. The time last. Most objects are born with the right owner and mode, and asking for that costs
    /// a fraction of a change, which the file system has to write down.
    private func apply(_ entry: TarEntry, to object: FileDescriptor) throws(Errno) {
        let born = try object.status()
        if born.uid != entry.uid || born.gid != entry.gid { try object.changeOwner(uid: entry.uid, gid: entry.gid) }
        if born.mode != entry.mode { try object.changeMode(entry.mode) }
        for attribute in entry.attributes {
            if let kind = AttributePolicy.omission(attribute.name) {
                omissions[kind] += 1
                continue
            }
            do throws(Errno) {
                try object.setAttribute(attribute)
            } catch {
                guard error == .notSupported else { throw error }
                omissions[.unsupported] += 1
            }
        }
        try object.setModified(entry.modified, entry.modifiedNanoseconds)
    }

    /// The directory that holds the member. Members of one directory mostly stand together, so the last is kept open.
    private func open(parent path: ArraySlice<UInt8>, of entry: TarEntry) throws(RootcellarError) -> FileDescriptor {
        if path.isEmpty { return root }
        if let parent, parentPath.elementsEqual(path) { return parent }
        do throws(Errno) {
            return keep(try root.openDirectoryBeneath(path), path)
        } catch {
            switch error {
            case .noSuchFileOrDirectory: return keep(try imply(path, for: entry), path)
            case .notDirectory, .tooManySymbolicLinkLevels: throw refuse("a member below something else", entry.path)
            default: throw Self.explain(error, entry)
            }
        }
    }

    private func keep(_ opened: FileDescriptor, _ path: ArraySlice<UInt8>) -> FileDescriptor {
        try? parent?.close()
        parent = opened
        parentPath = Array(path)
        return opened
    }

    private func explaining<Result>(
        _ entry: TarEntry,
        _ body: () throws(Errno) -> Result
    ) throws(RootcellarError) -> Result {
        do throws(Errno) {
            return try body()
        } catch {
            throw Self.explain(error, entry)
        }
    }

    private static func explain(_ error: Errno, _ entry: TarEntry) -> RootcellarError {
        switch error {
        case .fileExists: refuse("a name twice", entry.path)
        case .noSuchFileOrDirectory where entry.kind == .hardLink:
            refuse("a hard link to something that does not come before it", entry.path)
        case .notDirectory, .tooManySymbolicLinkLevels: refuse("a path through something else", entry.path)
        case .invalidArgument:
            refuse("owner \(entry.uid):\(entry.gid) is outside the container's id map", entry.path)
        default:
            systemError(
                .archive,
                "cannot unpack",
                error,
                subject: "'\(String(decoding: entry.path, as: UTF8.self))'"
            )
        }
    }
}
