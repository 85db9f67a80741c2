// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A published directory that changes as a whole: `meta/1.0` is a symbolic link to `meta/.1.0-<manifest version>`, and is
/// renamed over. The directory itself is never served under its own name.
///
/// The link is flipped right after the pointer. A publisher killed between the two leaves the former directory in
/// force, which is complete and names builds that are still there; the next publisher makes the right one first.
struct FlippedDirectory {
    let layout: TreeLayout
    /// Where the link is, relative to the top, as in `meta/1.0`.
    let path: String

    /// What stock LXC clients read.
    static func legacy(_ layout: TreeLayout) -> FlippedDirectory { Self(layout: layout, path: TreePath.legacyIndexes) }
    /// What LXD and Incus read.
    static func streams(_ layout: TreeLayout) -> FlippedDirectory { Self(layout: layout, path: TreePath.streams) }

    var link: FilePath { layout.path(path) }
    private var parent: FilePath { link.removingLastComponent() }
    private var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    private var newLink: FilePath { parent.appending(".\(name).new") }

    /// The manifest version that the directory in force was made from; nil if there is none.
    var version: Int? { Disk.linkTarget(link).flatMap(version(of:)) }

    /// Where the directory of a version stands, relative to the top.
    func relativePath(_ version: Int) -> String { "\(path.dropLast(name.utf8.count)).\(name)-\(version)" }

    /// The manifest version in a name that the link may point to.
    func version(of target: String) -> Int? {
        let prefix = ".\(name)-"
        guard target.hasPrefix(prefix), let version = Int(target.dropFirst(prefix.count)), version >= 1,
            "\(prefix)\(version)" == target
        else { return nil }
        return version
    }

    /// Whether a path relative to the top is one that only a publication at work leaves here.
    func isTemporary(_ other: String) -> Bool {
        let directory = path.dropLast(name.utf8.count)
        return other.hasPrefix("\(directory).\(name)-") || other == "\(directory).\(name).new"
    }

    /// Puts a staged directory in force and removes the former one.
    func flip(to staged: FilePath, version: Int) throws(RootcellarError) {
        try place(staged, version: version)
        try point(to: version)
    }

    /// Puts a staged directory in its place, where nobody looks before the link points to it.
    func place(_ staged: FilePath, version: Int) throws(RootcellarError) {
        let target = layout.path(relativePath(version))
        try Disk.makeDirectories(String(path.dropLast(name.utf8.count + 1)), below: layout.top)
        if Disk.exists(target) {
            let old = layout.staging.appending("old\(name)")
            try Disk.remove(old)
            try Disk.rename(target, to: old)
        }
        try Disk.rename(staged, to: target)
    }

    /// Lets the link point to a directory that is in its place, and removes the former one.
    func point(to version: Int) throws(RootcellarError) {
        let target = layout.path(relativePath(version))
        try Disk.remove(newLink)
        guard unsafe symlink(target.lastComponent?.string ?? "", newLink.string) == 0 else {
            throw Disk.fault("cannot be linked", newLink, Errno(rawValue: errno))
        }
        try Disk.rename(newLink, to: link)
        try sweep()
    }

    /// Removes everything beside the link that a killed publisher may have left.
    func sweep() throws(RootcellarError) {
        let current = Disk.linkTarget(link)
        for member in try Disk.members(parent)
        where member == newLink.lastComponent?.string || (version(of: member) != nil && member != current) {
            try Disk.remove(parent.appending(member))
        }
    }
}
