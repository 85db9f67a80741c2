// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import OpenPGP
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// The directory of indexes for stock clients: `meta/1.0` is a symbolic link to `meta/.1.0-<manifest version>`, and all
/// of it changes at once when the link is renamed over.
///
/// The link is flipped right after the pointer. A publisher killed between the two leaves the former directory in
/// force, which is complete and names builds that are still there; the next publisher makes the right one first.
struct LegacyIndexes {
    let layout: TreeLayout

    private var link: FilePath { layout.path(TreePath.legacyIndexes) }
    private var parent: FilePath { link.removingLastComponent() }
    private var newLink: FilePath { parent.appending(".1.0.new") }

    /// The manifest version that the directory in force was made from; nil if there is none.
    var version: Int? { Disk.linkTarget(link).flatMap(TreeLayout.legacyVersion) }

    /// Where the directory of a version stands, relative to the top.
    static func relativePath(_ version: Int) -> String { "meta/\(TreeLayout.legacyDirectory(version))" }

    /// The index of the manifest in force. Read back where that is possible, because then the cost does not grow with
    /// the number of distributions; made from all shards otherwise.
    func index(of tree: CurrentTree) throws(RootcellarError) -> [UInt8] {
        if version == tree.manifest.version, let bytes = try? readBack(tree.verifier) { return bytes }
        return try Self.index(tree.manifest, server: tree.root.server, layout: layout).bytes
    }

    private func readBack(_ verifier: TreeVerifier) throws(RootcellarError) -> [UInt8] {
        let file = link.appending(LegacyIndex.names[0])
        let bytes = try Disk.read(file, limit: LegacyIndex.limit)
        let signature = try Disk.read(
            link.appending(LegacyIndex.names[0] + ".asc"),
            limit: SignaturePackets.sizeLimit
        )
        try verifier.release(bytes, signatures: signature, subject: file.string)
        return bytes
    }

    /// The index of a manifest, from its shards.
    static func index(
        _ manifest: Manifest,
        server: String,
        layout: TreeLayout
    ) throws(RootcellarError) -> LegacyIndex {
        let revoked = Set(manifest.revoked.map(\.image))
        var newest: [(name: ImageName, serial: Serial)] = []
        for (distribution, reference) in manifest.indexes {
            let shard = try CurrentTree.shard(distribution, reference, server: server, layout: layout)
            newest += try LegacyIndex.newest(shard, revoked: revoked, subject: TreePath.index(reference.sha256))
        }
        return LegacyIndex(newest)
    }

    /// Prepares the directory of an index in the staging directory.
    ///
    /// - Returns: its path there.
    func stage(_ index: [UInt8], home: KeyHome, key: Fingerprint) throws(RootcellarError) -> FilePath {
        let directory = layout.staging.appending("legacy")
        try Disk.remove(directory)
        try Disk.makeDirectory(directory)
        let signature = try home.sign(index, by: key)
        for name in LegacyIndex.names {
            try Disk.write(index, to: directory.appending(name))
            try Disk.write(signature, to: directory.appending(name + ".asc"))
        }
        try Disk.syncDirectory(directory)
        return directory
    }

    /// Puts a staged directory in force and removes the former one.
    func flip(to staged: FilePath, version: Int) throws(RootcellarError) {
        let name = TreeLayout.legacyDirectory(version)
        try Disk.makeDirectories("meta", below: layout.top)
        try Disk.remove(newLink)
        if Disk.exists(parent.appending(name)) {
            let old = layout.staging.appending("old-legacy")
            try Disk.remove(old)
            try Disk.rename(parent.appending(name), to: old)
        }
        try Disk.rename(staged, to: parent.appending(name))
        guard unsafe symlink(name, newLink.string) == 0 else {
            throw Disk.fault("cannot be linked", newLink, Errno(rawValue: errno))
        }
        try Disk.rename(newLink, to: link)
        try sweep()
    }

    /// Removes everything in `meta` that a killed publisher may have left.
    func sweep() throws(RootcellarError) {
        let current = Disk.linkTarget(link)
        for name in try Disk.members(parent)
        where name == newLink.lastComponent?.string || (TreeLayout.legacyVersion(name) != nil && name != current) {
            try Disk.remove(parent.appending(name))
        }
    }
}
