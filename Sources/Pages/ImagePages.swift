// SPDX-License-Identifier: Apache-2.0

import Model

/// The pages of one distribution's images, and their rows in the catalogue.
struct ImagePages {
    let tree: PublishedState
    /// Why builds were taken back, by the hash of their documents.
    let revoked: [SHA256Digest: String]
    let templates: PageTemplates
    /// Of everything outside of the index that a page depends on.
    let common: String

    /// The most builds that a page tells of, newest first.
    private static let builds = 50

    /// Writes the pages that are no longer right, and returns the rows of all images.
    ///
    /// - Parameter old: the rows of the last time.
    func update(
        _ shard: IndexShard,
        knowing old: [ImageRow],
        files: some TreeFiles
    ) throws(RootcellarError) -> [ImageRow] {
        var known = Dictionary(old.map { ($0.name, $0) }) { first, _ in first }
        var rows: [ImageRow] = []
        let catalogue = try shard.catalogue(subject: shard.distribution)
        rows.reserveCapacity(catalogue.count)
        for (at, (name, _)) in catalogue.enumerated() {
            let digest = digest(shard.images[at])
            if let row = known.removeValue(forKey: name.path), row.digest == digest {
                rows.append(row)
            } else {
                rows.append(try write(name, shard.images[at], digest, files))
            }
        }
        for name in known.keys {
            let name = try ImageName(path: name)
            try files.remove(TreePath.Page.image(name))
            try files.remove(TreePath.Page.image(name, TreePath.Page.feed))
        }
        return rows
    }

    private func digest(_ image: IndexShard.Image) -> String {
        var parts = [common]
        for build in image.builds {
            parts.append("\(build.serial) \(build.image.sha256) \(build.tested) \(build.published?.description ?? "")")
        }
        for channel in image.channels ?? [] {
            parts.append("\(channel.name) " + channel.steps.map { "\($0.serial) \($0.since)" }.joined(separator: " "))
        }
        return SHA256Digest(hashing: Array(parts.joined(separator: "\n").utf8)).description
    }

    private func write(
        _ name: ImageName,
        _ image: IndexShard.Image,
        _ digest: String,
        _ files: some TreeFiles
    ) throws(RootcellarError) -> ImageRow {
        var facts: [BuildFacts] = []
        for build in image.builds.suffix(Self.builds) {
            facts.append(try BuildFacts(build, of: name, revocation: revoked[build.image.sha256], files: files))
        }
        let shown = image.current(revoked: Set(revoked.keys))?.serial
        guard let newest = facts.last(where: { $0.build.serial == shown }) ?? facts.last else {
            throw RootcellarError(.binding, "the image has no build", subject: name.path)
        }
        let context = ImageContext(tree: tree, name: name, image: image, facts: facts, shown: newest)
        try files.write(templates.render("image", context.page), to: TreePath.Page.image(name))
        try files.write(
            templates.render("feed", context.feed),
            to: TreePath.Page.image(name, TreePath.Page.feed)
        )
        let html = String(decoding: templates.render("row", context.row), as: UTF8.self)
        return ImageRow(name, digest: digest, shown: newest, builds: image.builds, html: html)
    }
}
