// SPDX-License-Identifier: Apache-2.0

import Model

extension Streams {
    /// The files of the catalogue that follows the one in force: of the images that have changed since, everything is made
    /// anew, of all others nothing is looked at.
    ///
    /// - Parameters:
    ///   - shards: the next ones of the distributions concerned.
    ///   - document: gives the image document of a build that the catalogue does not know.
    /// - Returns: nil if a file of the catalogue in force cannot be read.
    static func next(
        after catalogue: StreamsInForce,
        of tree: CurrentTree,
        _ shards: [IndexShard],
        _ manifest: Manifest,
        updated: Timestamp,
        partSize: Int,
        _ document: (ImageName, IndexShard.Build) throws(RootcellarError) -> ImageDocument
    ) throws(RootcellarError) -> StreamsFiles? {
        var catalogue = catalogue
        var changes: [String: ArraySlice<UInt8>?] = [:]
        for shard in shards {
            let before = try shown(try tree.shard(shard.distribution), tree.manifest)
            let after = try shown(shard, manifest)
            let known = Dictionary(uniqueKeysWithValues: before.map { ($0.name, $0.builds) })
            let listed = catalogue.listed(shard.distribution)
            var gone = listed
            var names: [ImageName] = []
            var made: [ImageName: (requirements: [String: String], lines: [ArraySlice<UInt8>])] = [:]
            for (name, builds) in after {
                let key = StreamsCatalogue.key(name)
                if known[name] != builds {
                    guard let old = catalogue.catalogue(holding: key) else { return nil }
                    let image = try lines(name, builds, old, document)
                    if image.lines.isEmpty { continue }
                    made[name] = image
                } else if !listed.contains(key) {
                    continue
                }
                gone.remove(key)
                names.append(name)
            }
            for key in gone { changes[key] = .some(nil) }
            // What an image is called depends on what others there are.
            let old = StreamsAliases.all(before.map(\.name).filter { listed.contains(StreamsCatalogue.key($0)) })
            let aliases = StreamsAliases.all(names)
            for (name, builds) in after where made[name] != nil || aliases[name] != old[name] {
                let key = StreamsCatalogue.key(name)
                guard let known = catalogue.catalogue(holding: key) else { return nil }
                guard let aliases = aliases[name] else { continue }
                let image: (requirements: [String: String], lines: [ArraySlice<UInt8>])
                if let new = made[name] { image = new } else { image = try lines(name, builds, known, document) }
                changes[key] = StreamsCatalogue.block(
                    name,
                    aliases: aliases,
                    requirements: image.requirements,
                    lines: image.lines
                )
            }
            for key in gone where catalogue.catalogue(holding: key) == nil { return nil }
        }
        return catalogue.files(changing: changes, updated: updated, partSize: partSize)
    }

    /// The images of a distribution and the builds that readers are shown, in the order of the index.
    private static func shown(
        _ shard: IndexShard?,
        _ manifest: Manifest
    ) throws(RootcellarError) -> [(name: ImageName, builds: [IndexShard.Build])] {
        guard let shard else { return [] }
        let revoked = Set(manifest.revoked.map(\.image))
        let names = try shard.catalogue(subject: shard.distribution).map(\.name)
        return zip(names, shard.images).map { ($0, $1.shown(revoked: revoked)) }
    }
}
