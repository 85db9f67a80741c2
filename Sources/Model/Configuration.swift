// SPDX-License-Identifier: Apache-2.0

/// The settings of `rootcellar.conf`: the system's file first, then the user's, whose values win.
package struct Configuration: Sendable, Equatable {
    /// Where the system's file is.
    package static let systemPath = "/etc/rootcellar/rootcellar.conf"
    /// Where a user's file is, below the home directory.
    package static let userPath = ".config/rootcellar/rootcellar.conf"

    /// `server`: host, optional port and prefix that images come from when no `--server` is given.
    package var server: String?
    /// `proxy`: the URL of a proxy for every download.
    package var proxy: String?
    /// `cache`: the directory in which images are kept.
    package var cache: String?
    /// `mirror.<distribution>`: the archive that images of a distribution are built from.
    package var mirrors: [String: String] = [:]

    /// No settings.
    package init() {}

    /// Takes the settings of one more file, which win over those before.
    ///
    /// - Throws: `POLICY` for a line that is no setting or a key that means nothing, with the nearest name.
    package mutating func add(_ text: String, path: String) throws(RootcellarError) {
        let file = try KeyValueFile(text, path: path, known: Self.keys + ["mirror.debian"]) { key in
            Self.keys.contains(key) || (key.hasPrefix("mirror.") && ImageName.isName(String(key.dropFirst(7))))
        }
        for entry in file.entries {
            switch entry.key {
            case "server": server = entry.value
            case "proxy": proxy = entry.value
            case "cache": cache = entry.value
            default: mirrors[String(entry.key.dropFirst(7))] = entry.value
            }
        }
    }

    private static let keys = ["server", "proxy", "cache"]
}
