// SPDX-License-Identifier: Apache-2.0

import Model
import Mustache

/// The templates of the pages, and the files beside them; part of the program, so that it needs no directory to find.
struct PageTemplates: Sendable {
    /// Changes when any of them does: then every page is made again.
    let digest: String
    /// Files that are published as they are, by path.
    let assets: [(path: String, bytes: [UInt8])]
    private let library: MustacheLibrary

    private static let templates: [(name: String, bytes: [UInt8])] = [
        ("head", PackageResources.head_mustache),
        ("foot", PackageResources.foot_mustache),
        ("catalogue", PackageResources.catalogue_mustache),
        ("row", PackageResources.row_mustache),
        ("image", PackageResources.image_mustache),
        ("trust", PackageResources.trust_mustache),
        ("status", PackageResources.status_mustache),
        ("feed", PackageResources.feed_mustache),
    ]

    /// - Throws: `INTERNAL` if a template is broken.
    init() throws(RootcellarError) {
        assets = [
            (TreePath.Page.style, PackageResources.style_css),
            (TreePath.Page.script, PackageResources.script_js),
            (TreePath.Page.robots, PackageResources.robots_txt),
        ]
        MustacheContentTypes.register(MarkupText(), named: MarkupText.name)
        var library = MustacheLibrary()
        var all: [UInt8] = []
        for (name, bytes) in Self.templates {
            // A row is one line of the state.
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                try library.register("{{% CONTENT_TYPE: \(MarkupText.name)}}\(text)", named: name)
            } catch {
                throw RootcellarError(.internal, "the template is broken (\(error))", subject: name)
            }
            all += bytes
        }
        self.library = library
        digest = SHA256Digest(hashing: all).description
    }

    /// Fills a template.
    func render(_ template: String, _ context: [String: Any]) -> [UInt8] {
        Array((library.render(context, withTemplate: template) ?? "").utf8)
    }
}
