// SPDX-License-Identifier: Apache-2.0

/// The settings of `rootcellar.conf`: the system's file first, then the user's, whose values win.
package struct Configuration: Sendable, Equatable {
    /// Where the system's file is.
    package static let systemPath = "/etc/rootcellar/rootcellar.conf"
    /// Where a user's file is, below the home directory.
    package static let userPath = ".config/rootcellar/rootcellar.conf"

    /// `server`: host, optional port and prefix that images come from when no `--server` is given.
    package var server: String?
    /// `server-mirror`: other addresses of that server's tree, beside those of its pin and its manifest.
    package var serverMirrors: [String] = []
    /// `proxy`: the URL of a proxy for every download.
    package var proxy: String?
    /// `cache`: the directory in which images are kept.
    package var cache: String?
    /// `shared-cache`: the directory of another cache, which is read and never written.
    package var sharedCache: String?
    /// `lock-wait`: how many seconds to wait for another process that has a lock of the cache.
    package var lockWait: Int?
    /// `ca`: a file of certification authorities to believe instead of the system's, for every server.
    package var certificateAuthorities: String?
    /// `client-cert` and `client-key`: PEM files by which servers know this client.
    package var clientCertificate: String?
    package var clientKey: String?
    /// `token-file`: a file with the token that `server` wants to see. No other server is shown it.
    package var tokenFile: String?
    /// `deny-key`: fingerprints of keys whose signatures count for nothing, whoever names them.
    package var deniedKeys: [Fingerprint] = []
    /// `s3-endpoint`, `s3-region`: the object storage that trees at `s3://BUCKET` are in.
    package var storeEndpoint: String?
    package var storeRegion: String?
    /// `s3-credentials`: a file with the keys that it wants to see.
    package var storeCredentials: String?
    /// `mirror.<distribution>`: the archive that images of a distribution are built from.
    package var mirrors: [String: String] = [:]
    /// `mirror-key.<distribution>`: a file of public keys that vouch for that archive, beside those of the definition.
    package var mirrorKeys: [String: String] = [:]

    /// No settings.
    package init() {}

    /// Takes the settings of one more file, which win over those before.
    ///
    /// - Throws: `POLICY` for a line that is no setting or a key that means nothing, with the nearest name.
    package mutating func add(_ text: String, path: String) throws(RootcellarError) {
        let file = try KeyValueFile(text, path: path, known: Self.keys + Self.perDistribution.map { $0 + "debian" }) {
            key in
            Self.keys.contains(key)
                || Self.perDistribution.contains {
                    key.hasPrefix($0) && ImageName.isName(String(key.dropFirst($0.count)))
                }
        }
        for entry in file.entries {
            switch entry.key {
            case "server": server = entry.value
            case "server-mirror": serverMirrors.append(entry.value)
            case "proxy": proxy = entry.value
            case "cache": cache = entry.value
            case "shared-cache": sharedCache = entry.value
            case "lock-wait":
                guard let seconds = Int(entry.value), seconds >= 0, seconds <= 1_000_000 else {
                    throw RootcellarError(
                        .policy,
                        "'\(entry.key)' needs a number of seconds",
                        subject: "\(path):\(entry.line)"
                    )
                }
                lockWait = seconds
            case "ca": certificateAuthorities = entry.value
            case "client-cert": clientCertificate = entry.value
            case "client-key": clientKey = entry.value
            case "token-file": tokenFile = entry.value
            case "s3-endpoint": storeEndpoint = entry.value
            case "s3-region": storeRegion = entry.value
            case "s3-credentials": storeCredentials = entry.value
            case "deny-key": deniedKeys.append(try Fingerprint(entry.value))
            case let key where key.hasPrefix(Self.perDistribution[1]):
                mirrorKeys[String(key.dropFirst(Self.perDistribution[1].count))] = entry.value
            default: mirrors[String(entry.key.dropFirst(Self.perDistribution[0].count))] = entry.value
            }
        }
    }

    private static let perDistribution = ["mirror.", "mirror-key."]
    private static let keys = [
        "server", "server-mirror", "proxy", "cache", "shared-cache", "lock-wait", "ca", "client-cert", "client-key",
        "token-file", "deny-key", "s3-endpoint", "s3-region", "s3-credentials",
    ]
}
