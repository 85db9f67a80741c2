// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP

/// What is derived for other clients is checked by deriving it once more.
extension Inspection {
    /// The indexes for stock LXC clients.
    mutating func legacyIndexes(_ manifests: [Manifest]) throws(RootcellarError) {
        let (manifest, directory) = try derived(
            .legacy(layout),
            snapshot.legacy,
            manifests,
            "the indexes for stock clients"
        )
        let expected = try LegacyIndexes.index(manifest, server: server, layout: layout).bytes
        var verified: Set<[UInt8]> = []
        for file in LegacyIndex.names {
            let path = "\(directory)/\(file)"
            try requireSame(path, expected, "the index for stock clients is not that of the manifest")
            let signature = try Disk.read(layout.path(path + ".asc"), limit: SignedFile.signatureLimit)
            try requireTidy(signature, subject: path + ".asc")
            if verified.insert(signature).inserted {
                try verifier.release(expected, signatures: signature, subject: path + ".asc")
            }
            known[path + ".asc"] = signature.count
        }
    }

    /// The catalogue for LXD and Incus.
    mutating func streams(_ manifests: [Manifest]) throws(RootcellarError) {
        let (manifest, directory) = try derived(
            .streams(layout),
            snapshot.streams,
            manifests,
            "the catalogue for LXD and Incus"
        )
        var shards: [IndexShard] = []
        for (distribution, reference) in manifest.indexes {
            shards.append(try CurrentTree.shard(distribution, reference, server: server, layout: layout))
        }
        let known = images
        let layout = layout
        let catalogue = try Streams.updated(StreamsCatalogue(), shards, manifest) {
            name,
            build throws(RootcellarError) in
            if let image = known[build.image.sha256] { return image }
            return try Streams.document(name, build, layout)
        }
        try requireUnique(catalogue, directory)
        let there = try Disk.read(layout.path("\(directory)/index.json"), limit: 64 << 20)
        let count = StreamsIndex(reading: there)?.count ?? 1
        let files = StreamsFiles(catalogue, updated: manifest.signedAt, count: count)
        let contents = files.contents
        let index = FileReference(of: contents["index.json"] ?? [])
        guard manifest.streams ?? index == index else {
            throw RootcellarError(
                .binding,
                "the manifest names another catalogue for LXD and Incus",
                subject: TreePath.manifest(manifest.version)
            )
        }
        for name in files.names {
            let path = "\(directory)/\(name).json"
            let expected = contents["\(name).json"] ?? []
            try requireSame(path, expected, "the catalogue for LXD and Incus is not that of the manifest")
            let signature = try Disk.read(layout.path(path + ".gpg"), limit: SignedFile.signatureLimit)
            try requireTidy(signature, subject: path + ".gpg")
            try verifier.release(expected, signatures: signature, subject: path + ".gpg")
            self.known[path + ".gpg"] = signature.count

            let signed = "\(directory)/\(name).sjson"
            let text = contents["\(name).sjson"] ?? expected
            let bytes = try Disk.read(layout.path(signed), limit: text.count + SignedFile.signatureLimit)
            try requireTidy(ClearsignedText(reading: bytes, subject: signed).signature, subject: signed)
            guard try verifier.release(clearsigned: bytes, subject: signed) == text else {
                throw RootcellarError(.binding, "the signed catalogue is not that of the manifest", subject: signed)
            }
            self.known[signed] = bytes.count
        }
    }

    /// Which manifest a derived directory is of, and where it is: of the manifest in force, or of the one before while a
    /// publication is unfinished.
    private mutating func derived(
        _ directory: FlippedDirectory,
        _ target: String?,
        _ manifests: [Manifest],
        _ what: String
    ) throws(RootcellarError) -> (Manifest, String) {
        guard let target, let version = directory.version(of: target) else {
            throw RootcellarError(
                .repository,
                "\(what) are missing",
                subject: directory.path,
                hint: "publish again"
            )
        }
        guard let manifest = manifests.first(where: { $0.version == version }),
            version == report.manifest || snapshot.journal != nil
        else {
            throw RootcellarError(
                .repository,
                "\(what) are of manifest \(version) instead of \(report.manifest)",
                subject: directory.path,
                hint: "publish again"
            )
        }
        known[directory.path] = target.utf8.count
        return (manifest, directory.relativePath(version))
    }

    private mutating func requireSame(
        _ path: String,
        _ expected: [UInt8],
        _ otherwise: String
    ) throws(RootcellarError) {
        guard try Disk.read(layout.path(path), limit: expected.count) == expected else {
            throw RootcellarError(.binding, otherwise, subject: path)
        }
        known[path] = expected.count
    }

    private func requireUnique(_ catalogue: StreamsCatalogue, _ subject: String) throws(RootcellarError) {
        var seen: Set<String> = []
        for image in catalogue.images {
            for (_, line) in catalogue.builds(of: image.key)?.lines ?? [:] {
                for fingerprint in StreamsCatalogue.fingerprints(line) where !seen.insert(fingerprint).inserted {
                    throw RootcellarError(
                        .repository,
                        "two builds are the same image for LXD and Incus (\(fingerprint)), so that neither can be fetched",
                        subject: subject,
                        hint: "take one of them back"
                    )
                }
            }
        }
    }
}
