// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP

/// In an object store nothing changes as a whole. While a publication is between its pointer and the last of its indexes, each
/// of these is of the manifest in force or of the one before.
extension Inspection {
    mutating func indexesBetween(_ manifests: [Manifest]) throws(RootcellarError) {
        var expected: [String: [[UInt8]]] = [:]
        for manifest in manifests.suffix(2) {
            let index = try LegacyIndexes.index(manifest, server: server, layout: layout).bytes
            for name in LegacyIndex.names { expected["\(TreePath.legacyIndexes)/\(name)", default: []].append(index) }
            var shards: [IndexShard] = []
            for (distribution, reference) in manifest.indexes {
                shards.append(try CurrentTree.shard(distribution, reference, server: server, layout: layout))
            }
            let (known, layout) = (images, layout)
            let catalogue = try Streams.updated(StreamsCatalogue(), shards, manifest) {
                name,
                build throws(RootcellarError) in
                if let image = known[build.image.sha256] { return image }
                return try Streams.document(name, build, layout)
            }
            let files = StreamsFiles(catalogue, updated: manifest.signedAt)
            for (name, bytes) in files.contents { expected["\(TreePath.streams)/\(name)", default: []].append(bytes) }
        }
        for directory in [FlippedDirectory.legacy(layout), .streams(layout)] {
            guard let target = directory.path == TreePath.streams ? snapshot.streams : snapshot.legacy,
                let version = directory.version(of: target)
            else { continue }
            known[directory.path] = target.utf8.count
            let place = directory.relativePath(version)
            for name in try Disk.members(layout.path(place)) {
                try check("\(place)/\(name)", as: "\(directory.path)/\(name)", expected)
            }
        }
        report.leftovers += [TreePath.legacyIndexes, TreePath.streams]
    }

    private mutating func check(
        _ path: String,
        as published: String,
        _ expected: [String: [[UInt8]]]
    ) throws(RootcellarError) {
        let bytes = try Disk.read(layout.path(path), limit: 512 << 20)
        func fault(_ what: String) -> RootcellarError { RootcellarError(.binding, what, subject: published) }
        if let ending = [".asc", ".gpg"].first(where: published.hasSuffix) {
            guard let texts = expected[String(published.dropLast(ending.utf8.count))] else {
                throw fault("of no index")
            }
            try requireTidy(bytes, subject: published)
            let isOfOne = texts.contains { text in
                verifiers.contains { (try? $0.release(text, signatures: bytes, subject: published)) != nil }
            }
            guard isOfOne else { throw fault("it is a signature of neither manifest's index") }
        } else if published.hasSuffix(".sjson") {
            let plain = expected[published] ?? expected["\(published.dropLast(6)).json"] ?? []
            let text = try TreeVerifier.byAny(verifiers.reversed()) { verifier throws(RootcellarError) in
                try verifier.release(clearsigned: bytes, subject: published)
            }
            guard plain.contains(text) else { throw fault("it is neither manifest's") }
        } else {
            guard expected[published]?.contains(bytes) == true else { throw fault("it is neither manifest's") }
        }
        known[path] = bytes.count
    }
}
