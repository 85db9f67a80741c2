// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage

/// Copies a tree that `RootfsWriter` has made into an empty directory. On a file system that can do so (btrfs, xfs) the
/// files share their content with those of the tree until one of the two is changed, so that no content is read.
package struct TreeClone {
    private var fingerprint = TreeFingerprint()
    private var firstNames: [UInt64: [UInt8]] = [:]
    private let target: FileDescriptor

    /// Copies everything from `source` to `target`; the caller empties the target if this throws.
    ///
    /// - Returns: the fingerprint of the source as it was when it was copied.
    /// - Throws: `CACHE` if the source cannot be read or the target not be written.
    package static func run(
        from source: FileDescriptor,
        to target: FileDescriptor
    ) throws(RootcellarError) -> SHA256Digest {
        var clone = TreeClone(target: target)
        do throws(Errno) {
            let status = try source.status()
            clone.fingerprint.add([], status)
            try clone.copyChildren(of: source, to: target, [])
            try clone.apply(status, from: source, to: target)
        } catch {
            throw systemError(.cache, "cannot copy the unpacked tree", error, subject: "the cache")
        }
        return clone.fingerprint.finish()
    }

    private init(target: FileDescriptor) { self.target = target }

    private mutating func copyChildren(
        of source: FileDescriptor,
        to directory: FileDescriptor,
        _ path: [UInt8]
    ) throws(Errno) {
        for name in try source.names() {
            let child = path + [UInt8(ascii: "/")] + name
            let status = try source.status(of: name)
            let text = status.kind == .symbolicLink ? try source.symbolicLink(name) : []
            fingerprint.add(child, status, linkTarget: text)
            switch status.kind {
            case .directory:
                let opened = try source.open(name, O_RDONLY | O_DIRECTORY)
                defer { try? opened.close() }
                try directory.makeDirectory(name, mode: 0o700)
                let made = try directory.open(name, O_RDONLY | O_DIRECTORY)
                defer { try? made.close() }
                try copyChildren(of: opened, to: made, child)
                try apply(status, from: opened, to: made)
            case .file: try copyFile(name, status, child, from: source, to: directory)
            case .symbolicLink, .fifo:
                if status.kind == .fifo {
                    try directory.makeFIFO(name, mode: status.mode)
                } else {
                    try directory.makeSymbolicLink(name, to: text)
                }
                try directory.changeOwner(of: name, uid: status.uid, gid: status.gid)
                try directory.setModified(of: name, status.modified, status.modifiedNanoseconds)
            // The writer makes neither.
            case .socket, .device: throw Errno.notSupported
            }
        }
    }

    private mutating func copyFile(
        _ name: [UInt8],
        _ status: ObjectStatus,
        _ path: [UInt8],
        from source: FileDescriptor,
        to directory: FileDescriptor
    ) throws(Errno) {
        if status.links > 1 {
            if let first = firstNames[status.inode] {
                let (parent, firstName) = splitPath(first)
                let there = try target.openDirectoryBeneath(parent)
                defer { try? there.close() }
                return try directory.makeHardLink(name, to: firstName, in: there)
            }
            firstNames[status.inode] = Array(path.dropFirst())
        }
        let file = try source.open(name, O_RDONLY)
        defer { try? file.close() }
        let copy = try directory.createFile(name, mode: 0o600)
        defer { try? copy.close() }
        try copy.copyRange(from: file, size: status.size)
        try apply(status, from: file, to: copy)
    }

    /// In the order of `RootfsWriter`, for its reasons.
    private func apply(_ status: ObjectStatus, from source: FileDescriptor, to copy: FileDescriptor) throws(Errno) {
        try copy.changeOwner(uid: status.uid, gid: status.gid)
        try copy.changeMode(status.mode)
        for attribute in try source.imageAttributes() { try copy.setAttribute(attribute) }
        try copy.setModified(status.modified, status.modifiedNanoseconds)
    }
}
