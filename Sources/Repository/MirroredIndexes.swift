// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// The indexes for stock clients, LXD and Incus of a tree that is copied: they have to be what follows from the shards,
/// and signed by its release key.
struct MirroredIndexes {
    let layout: TreeLayout
    let download: BuildDownload
    let verifier: TreeVerifier

    /// The most bytes of a catalogue.
    private static let limit = 128 << 20

    /// What was fetched and verified.
    struct Staged {
        fileprivate let version: Int
        fileprivate let parts: [(directory: FlippedDirectory, staged: FilePath)]

        /// Puts the directories in their places, where nobody looks yet.
        func place() throws(RootcellarError) {
            for part in parts { try part.directory.place(part.staged, version: version) }
        }

        /// Puts them in force.
        func point() throws(RootcellarError) {
            for part in parts { try part.directory.point(to: version) }
        }
    }

    /// Fetches them, unless those of this manifest are here.
    func stage(_ shards: [IndexShard], _ manifest: Manifest) throws(RootcellarError) -> Staged? {
        let legacy = FlippedDirectory.legacy(layout)
        let streams = FlippedDirectory.streams(layout)
        if legacy.version == manifest.version, streams.version == manifest.version { return nil }
        return Staged(
            version: manifest.version,
            parts: [(legacy, try stageLegacy(shards, manifest)), (streams, try stageStreams(manifest))]
        )
    }

    private func stageLegacy(_ shards: [IndexShard], _ manifest: Manifest) throws(RootcellarError) -> FilePath {
        let staged = layout.staging.appending("mirrored-legacy")
        try Disk.makeDirectory(staged)
        let revoked = Set(manifest.revoked.map(\.image))
        var newest: [(name: ImageName, serial: Serial)] = []
        for shard in shards { newest += try LegacyIndex.newest(shard, revoked: revoked, subject: shard.distribution) }
        let expected = LegacyIndex(newest).bytes
        var verified: Set<[UInt8]> = []
        for name in LegacyIndex.names {
            let path = "\(TreePath.legacyIndexes)/\(name)"
            guard try download.small(path, limit: Self.limit) == expected else { throw behind(path) }
            let signature = try download.small("\(path).asc", limit: SignedFile.signatureLimit)
            try requireTidy(signature, subject: download.source.url(of: "\(path).asc"))
            if verified.insert(signature).inserted {
                try verifier.release(expected, signatures: signature, subject: download.source.url(of: path))
            }
            try Disk.write(expected, to: staged.appending(name))
            try Disk.write(signature, to: staged.appending("\(name).asc"))
        }
        try Disk.syncDirectory(staged)
        return staged
    }

    private func stageStreams(_ manifest: Manifest) throws(RootcellarError) -> FilePath {
        let staged = layout.staging.appending("mirrored-streams")
        try Disk.makeDirectory(staged)
        let index = try download.small("\(TreePath.streams)/index.json", limit: Self.limit)
        guard manifest.streams ?? FileReference(of: index) == FileReference(of: index),
            let files = StreamsIndex(reading: index)
        else { throw behind("\(TreePath.streams)/index.json") }
        for name in ["index"] + files.names {
            let path = "\(TreePath.streams)/\(name)"
            let subject = download.source.url(of: "\(path).json")
            let plain = name == "index" ? index : try download.small("\(path).json", limit: Self.limit)
            if let reference = files.parts.first(where: { $0.name == name })?.reference,
                reference != FileReference(of: plain)
            {
                throw behind("\(path).json")
            }
            let signature = try download.small("\(path).json.gpg", limit: SignedFile.signatureLimit)
            try requireTidy(signature, subject: subject)
            try verifier.release(plain, signatures: signature, subject: subject)
            let signed = try download.small("\(path).sjson", limit: Self.limit)
            try requireTidy(
                ClearsignedText(reading: signed, subject: subject).signature,
                subject: download.source.url(of: "\(path).sjson")
            )
            let text = try verifier.release(clearsigned: signed, subject: download.source.url(of: "\(path).sjson"))
            guard name == "index" || text == plain else { throw behind("\(path).sjson") }
            for (ending, bytes) in [("json", plain), ("json.gpg", signature), ("sjson", signed)] {
                try Disk.write(bytes, to: staged.appending("\(name).\(ending)"))
            }
        }
        try Disk.syncDirectory(staged)
        return staged
    }

    /// The publisher flips these a moment after the pointer.
    private func behind(_ path: String) -> RootcellarError {
        RootcellarError(
            .transport,
            "this is not what follows from the manifest in force",
            subject: download.source.url(of: path),
            hint: "the source may be in the middle of an update; try again"
        )
    }
}
