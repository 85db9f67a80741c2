// SPDX-License-Identifier: Apache-2.0

package import Model

/// All pages of a tree: the catalogue, one page for each image, trust, status, feeds, and what they look like.
///
/// Static files, so that any web server shows them. A publication costs the pages of the images it concerns, and the few
/// that are of the whole tree: what those need of the other images is kept in one line for each.
package struct PageSet: TreePages {
    private let templates: PageTemplates

    /// - Throws: `INTERNAL` if a template is broken.
    package init() throws(RootcellarError) { templates = try PageTemplates() }

    package func update(_ tree: PublishedState, files: some TreeFiles) throws(RootcellarError) {
        let revoked = Dictionary(tree.manifest.revoked.map { ($0.image, $0.reason) }) { first, _ in first }
        let common = stamp([
            templates.digest, tree.root.server, String(tree.root.version),
            revoked.map { "\($0.key) \($0.value)" }.sorted().joined(separator: "\n"),
        ])
        var rows: [ImageRow] = []
        for (distribution, reference) in tree.manifest.indexes.sorted(by: { $0.key < $1.key }) {
            let stamp = "\(reference.sha256) \(common)"
            let state = CatalogueState(of: distribution, files: files)
            if let state, state.stamp == stamp {
                rows += state.rows
                continue
            }
            let shard = try shard(reference, files)
            let pages = ImagePages(tree: tree, revoked: revoked, templates: templates, common: common)
            let new = try pages.update(shard, knowing: state?.rows ?? [], files: files)
            try CatalogueState(stamp: stamp, rows: new).write(for: distribution, files: files)
            rows += new
        }
        let whole = TreePageContexts(tree: tree, rows: rows)
        let catalogue = whole.withRows(templates.render("catalogue", whole.catalogue))
        try files.write(catalogue, to: TreePath.Page.catalogue)
        try put("trust", whole.trust, TreePath.Page.trust, files)
        try put("feed", whole.feed, TreePath.Page.feed, files)
        for (path, bytes) in templates.assets { try files.write(bytes, to: path) }
        // Last: it says what all of them were made of.
        try put("status", whole.status, TreePath.Page.status, files)
    }

    private func put(
        _ template: String,
        _ context: [String: Any],
        _ path: String,
        _ files: some TreeFiles
    ) throws(RootcellarError) {
        try files.write(templates.render(template, context), to: path)
    }

    private func shard(_ reference: FileReference, _ files: some TreeFiles) throws(RootcellarError) -> IndexShard {
        let path = TreePath.index(reference.sha256)
        guard let bytes = try files.read(path, limit: max(reference.size, 0)) else {
            throw RootcellarError(.repository, "the index is not there", subject: path)
        }
        try reference.check(bytes, subject: path)
        return try IndexShard(verified: bytes, subject: path)
    }

    private func stamp(_ parts: [String]) -> String {
        SHA256Digest(hashing: Array(parts.joined(separator: "\u{0}").utf8)).description
    }
}
