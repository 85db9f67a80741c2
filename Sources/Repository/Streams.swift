// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// The directory that LXD, Incus and mirrors of simplestreams read.
///
/// Its catalogue is derived from the image documents of all builds, but those of builds that it knows are not read again:
/// their lines are carried over.
struct Streams {
    let layout: TreeLayout

    var directory: FlippedDirectory { .streams(layout) }

    /// The most bytes of a catalogue that we read back.
    private static let limit = 512 << 20

    /// The catalogue in force, if it can be believed. It may be that of an older manifest.
    ///
    /// The manifest names its index by hash, and that the files, which is computed in a moment; gpg takes its time with
    /// so much.
    func readBack(_ tree: CurrentTree) -> StreamsCatalogue? {
        guard let index = index(tree) else { return nil }
        var read: [StreamsCatalogue] = []
        for part in index.parts {
            let file = directory.link.appending("\(part.name).json")
            guard let bytes = try? Disk.read(file, limit: Self.limit),
                (try? part.reference.check(bytes, subject: file.string)) != nil,
                let images = StreamsCatalogue(reading: bytes)
            else { return nil }
            read.append(images)
        }
        return StreamsCatalogue(merging: read)
    }

    /// Its index, verified.
    func index(_ tree: CurrentTree) -> StreamsIndex? {
        let file = directory.link.appending("index.json")
        guard let bytes = try? Disk.read(file, limit: Self.limit) else { return nil }
        if directory.version == tree.manifest.version, let reference = tree.manifest.streams {
            guard (try? reference.check(bytes, subject: file.string)) != nil else { return nil }
        } else {
            guard
                let signature = try? Disk.read(
                    directory.link.appending("index.json.gpg"),
                    limit: SignaturePackets.sizeLimit
                ), (try? tree.verifier.release(bytes, signatures: signature, subject: file.string)) != nil
            else { return nil }
        }
        return StreamsIndex(reading: bytes)
    }

    /// The catalogue of the manifest in force: what is there if it is that, else made from what is there and from the
    /// image documents of builds that are not in it.
    func catalogue(of tree: CurrentTree) throws(RootcellarError) -> StreamsCatalogue {
        let old = readBack(tree)
        if let old, directory.version == tree.manifest.version { return old }
        var shards: [IndexShard] = []
        for distribution in tree.manifest.indexes.keys {
            if let shard = try tree.shard(distribution) { shards.append(shard) }
        }
        return try Self.updated(old ?? StreamsCatalogue(), only: true, shards, tree.manifest) {
            name,
            build throws(RootcellarError) in
            try Self.document(name, build, layout)
        }
    }

    /// A catalogue with everything of some distributions made anew.
    ///
    /// - Parameters:
    ///   - only: whether there are no other distributions.
    ///   - document: gives the image document of a build that `old` does not know.
    static func updated(
        _ old: StreamsCatalogue,
        only: Bool = false,
        _ shards: [IndexShard],
        _ manifest: Manifest,
        _ document: (ImageName, IndexShard.Build) throws(RootcellarError) -> ImageDocument
    ) throws(RootcellarError) -> StreamsCatalogue {
        var result = only ? StreamsCatalogue() : old
        let revoked = Set(manifest.revoked.map(\.image))
        for shard in shards {
            var images: [(name: ImageName, requirements: [String: String], lines: [ArraySlice<UInt8>])] = []
            for (entry, (name, _)) in zip(shard.images, try shard.catalogue(subject: shard.distribution)) {
                let image = try lines(name, entry.shown(revoked: revoked), old, document)
                if !image.lines.isEmpty { images.append((name, image.requirements, image.lines)) }
            }
            let aliases = StreamsAliases.all(images.map(\.name))
            let blocks = images.map { image in
                let block = StreamsCatalogue.block(
                    image.name,
                    aliases: aliases[image.name] ?? [],
                    requirements: image.requirements,
                    lines: image.lines
                )
                return (key: StreamsCatalogue.key(image.name), block: block)
            }
            result.replace(shard.distribution, by: blocks.sorted { $0.key < $1.key })
        }
        return result
    }

    /// What a catalogue says of the builds of one image: as `old` does, as far as that knows them.
    static func lines(
        _ name: ImageName,
        _ builds: [IndexShard.Build],
        _ old: StreamsCatalogue,
        _ document: (ImageName, IndexShard.Build) throws(RootcellarError) -> ImageDocument
    ) throws(RootcellarError) -> (requirements: [String: String], lines: [ArraySlice<UInt8>]) {
        let known = old.builds(of: StreamsCatalogue.key(name))
        var kept: [Serial: ArraySlice<UInt8>] = [:]
        var fresh: [Serial: StreamsBuild] = [:]
        for build in builds {
            if let line = known?.lines[StreamsBuild.key(build.serial)] {
                kept[build.serial] = line
            } else if let new = StreamsBuild(name, try document(name, build)) {
                fresh[build.serial] = new
            }
        }
        let listed = Set(kept.keys).union(fresh.keys)
        let keys = Set(listed.map(StreamsBuild.key))
        var requirements = known?.requirements ?? [:]
        var lines: [ArraySlice<UInt8>] = []
        for build in builds where listed.contains(build.serial) {
            if let line = kept[build.serial] {
                // A delta from a build that has gone goes too.
                if let base = StreamsCatalogue.deltaBase(line), !keys.contains(base) {
                    guard let new = StreamsBuild(name, try document(name, build)) else { continue }
                    lines.append(new.line(listed: listed)[...])
                } else {
                    lines.append(line)
                }
            } else if let new = fresh[build.serial] {
                lines.append(new.line(listed: listed)[...])
            }
        }
        if let newest = builds.last(where: { listed.contains($0.serial) }) {
            if let new = fresh[newest.serial] {
                requirements = new.requirements
            } else if known?.newest != StreamsBuild.key(newest.serial) {
                requirements = try document(name, newest).requirements ?? [:]
            }
        }
        return (requirements, lines)
    }

    /// The image document of a published build.
    static func document(
        _ name: ImageName,
        _ build: IndexShard.Build,
        _ layout: TreeLayout
    ) throws(RootcellarError) -> ImageDocument {
        let path = TreePath.file(name, build.serial, ImageDocument.fileName)
        let bytes = try Disk.read(layout.path(path), limit: min(max(build.image.size, 0), ImageDocument.limit))
        try build.image.check(bytes, subject: path)
        return try ImageDocument(verified: bytes, subject: path)
    }

    /// Prepares the directory of a catalogue in the staging directory. Files that are in force already, with signatures of
    /// the same key, are taken as they are.
    ///
    /// - Returns: its path there.
    func stage(_ files: StreamsFiles, home: KeyHome, key: Fingerprint) throws(RootcellarError) -> FilePath {
        let staged = layout.staging.appending("streams")
        try Disk.remove(staged)
        try Disk.makeDirectory(staged)
        let contents = files.contents
        let old = (try? Disk.read(directory.link.appending("index.json"), limit: Self.limit))
            .flatMap { StreamsIndex(reading: $0) }
        for name in files.names {
            let reference = files.parts.first { $0.name == name }?.reference
            if let reference, old?.parts.contains(where: { $0.name == name && $0.reference == reference }) == true,
                carryOver(name, contents["\(name).json"], reference, signedBy: key, to: staged)
            {
                continue
            }
            let plain: [UInt8]
            if let made = contents["\(name).json"] { plain = made } else { plain = try inForce(name, reference) }
            try Disk.write(plain, to: staged.appending("\(name).json"))
            try Disk.write(home.sign(plain, by: key), to: staged.appending("\(name).json.gpg"))
            let text = contents["\(name).sjson"] ?? plain
            try Disk.write(home.clearsign(text, by: key), to: staged.appending("\(name).sjson"))
        }
        try Disk.syncDirectory(staged)
        return staged
    }

    /// A file that is in force.
    private func inForce(_ name: String, _ reference: FileReference?) throws(RootcellarError) -> [UInt8] {
        let file = directory.link.appending("\(name).json")
        let bytes = try Disk.read(file, limit: Self.limit)
        try reference?.check(bytes, subject: file.string)
        return bytes
    }

    /// Links a file and its signatures from the directory in force. They are never changed in their place.
    ///
    /// - Parameter plain: what it has to be; nil where that was looked at before.
    /// - Returns: whether that was possible; nothing is left of it if not.
    private func carryOver(
        _ name: String,
        _ plain: [UInt8]?,
        _ reference: FileReference,
        signedBy key: Fingerprint,
        to staged: FilePath
    ) -> Bool {
        let endings = ["json", "json.gpg", "sjson"]
        let signature = directory.link.appending("\(name).json.gpg")
        guard let bytes = try? Disk.read(signature, limit: SignaturePackets.sizeLimit),
            SignaturePackets.name(key, in: bytes),
            // An index that lies about it would be found out by the next publisher only.
            (try? plain == nil || Disk.read(directory.link.appending("\(name).json"), limit: reference.size) == plain)
                == true
        else { return false }
        for ending in endings {
            guard
                (try? Disk.link(
                    directory.link.appending("\(name).\(ending)"),
                    to: staged.appending("\(name).\(ending)")
                )) != nil
            else {
                for ending in endings { try? Disk.remove(staged.appending("\(name).\(ending)")) }
                return false
            }
        }
        return true
    }
}
