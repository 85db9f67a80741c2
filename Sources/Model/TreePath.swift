// SPDX-License-Identifier: Apache-2.0

/// Where things are in a published tree, relative to its root, without a leading slash. Publisher, client and server
/// all ask here, so that the layout is written down once.
package enum TreePath {
    /// The signed pointer.
    package static let pointer = "rootcellar/pointer.signed"

    /// A signed root document.
    package static func root(_ version: Int) -> String { "rootcellar/root/\(version).signed" }

    /// The armored root keys that signed a root document: what a client reads at first contact, and believes only if
    /// the fingerprint is the pinned one.
    package static func rootKeys(_ version: Int) -> String { "rootcellar/root/\(version).asc" }

    /// A signed manifest.
    package static func manifest(_ version: Int) -> String { "rootcellar/manifest/\(version).signed" }

    /// An index shard.
    package static func index(_ sha256: SHA256Digest) -> String { "rootcellar/index/\(sha256).json" }

    /// The directory of one build.
    package static func build(_ name: ImageName, _ serial: Serial) -> String { "images/\(name.path)/\(serial)" }

    /// A file of one build.
    package static func file(_ name: ImageName, _ serial: Serial, _ file: String) -> String {
        "\(build(name, serial))/\(file)"
    }

    /// The symbolic link to the directory of the indexes that stock LXC clients read.
    package static let legacyIndexes = "meta/1.0"

    /// The symbolic link to the directory of the catalogue that LXD and Incus read.
    package static let streams = "streams/v1"

    /// The pages for people, relative to the top of the tree and beside each other.
    package enum Page {
        package static let catalogue = "index.html"
        package static let trust = "trust.html"
        package static let status = "status.html"
        package static let feed = "feed.atom"
        package static let robots = "robots.txt"
        package static let style = "web/style.css"
        package static let script = "web/script.js"

        /// The page of an image, or another file beside it.
        package static func image(_ name: ImageName, _ file: String = "index.html") -> String {
            "images/\(name.path)/\(file)"
        }

        /// Whether a path is one that pages are written to.
        package static func isOne(_ path: String) -> Bool {
            if [catalogue, trust, status, feed, robots, style, script].contains(path) { return true }
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == 6 && parts[0] == "images" && (parts[5] == "index.html" || parts[5] == "feed.atom")
        }
    }
}
