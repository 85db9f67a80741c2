// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// The directory of indexes for stock clients.
struct LegacyIndexes {
    let layout: TreeLayout

    var directory: FlippedDirectory { .legacy(layout) }

    /// The index of the manifest in force. Read back where that is possible, because then the cost does not grow with
    /// the number of distributions; made from all shards otherwise.
    func index(of tree: CurrentTree) throws(RootcellarError) -> [UInt8] {
        if directory.version == tree.manifest.version, let bytes = try? readBack(tree.verifier) { return bytes }
        return try Self.index(tree.manifest, server: tree.root.server, layout: layout).bytes
    }

    private func readBack(_ verifier: TreeVerifier) throws(RootcellarError) -> [UInt8] {
        let file = directory.link.appending(LegacyIndex.names[0])
        let bytes = try Disk.read(file, limit: LegacyIndex.limit)
        let signature = try Disk.read(
            directory.link.appending(LegacyIndex.names[0] + ".asc"),
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
        let staged = layout.staging.appending("legacy")
        try Disk.remove(staged)
        try Disk.makeDirectory(staged)
        let signature = try home.sign(index, by: key)
        for (ending, bytes) in [("", index), (".asc", signature)] {
            let first = staged.appending(LegacyIndex.names[0] + ending)
            try Disk.write(bytes, to: first)
            for name in LegacyIndex.names.dropFirst() { try Disk.link(first, to: staged.appending(name + ending)) }
        }
        try Disk.syncDirectory(staged)
        return staged
    }
}
