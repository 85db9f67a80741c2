// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage
package import Transfer

/// Decides which server a command speaks to.
package struct ServerSelection {
    /// The public server of LXC's project: what the stock template uses when none is named.
    package static let stockServer = "images.linuxcontainers.org"

    let store: TrustStore
    let configuration: Configuration

    /// A selection from these pins and settings.
    package init(_ store: TrustStore, _ configuration: Configuration) {
        self.store = store
        self.configuration = configuration
    }

    /// The pinned server that `named` means: the one on the command line, else the configured one, else the only one
    /// that is pinned.
    ///
    /// - Throws: `POLICY` if it is not pinned or cannot be told.
    package func server(named: String?) throws(RootcellarError) -> PinnedServer {
        var server = try pinned(named)
        if let configured = configuration.server, try ServerAddress(configured) == server.address {
            for text in configuration.serverMirrors { server.mirrors.append(try ServerAddress(text)) }
        }
        server.denied = Set(configuration.deniedKeys)
        return server
    }

    private func pinned(_ named: String?) throws(RootcellarError) -> PinnedServer {
        if let text = named ?? configuration.server {
            let address = try ServerAddress(text)
            if let pinned = try store.find(address) { return pinned }
            throw RootcellarError(
                .policy,
                "nobody has said which keys to believe for this server",
                subject: address.url,
                hint: "rootcellar trust add \(address.url) --fingerprint FINGERPRINT"
            )
        }
        let pinned = try store.all()
        if pinned.count == 1 { return pinned[0].server }
        guard pinned.isEmpty else {
            throw RootcellarError(
                .policy,
                "\(pinned.count) servers are pinned",
                hint: "name one with --server or as 'server' in \(Configuration.systemPath)"
            )
        }
        throw RootcellarError(
            .policy,
            "no server is pinned",
            subject: Self.stockServer,
            hint: "rootcellar trust add https://HOST --fingerprint FINGERPRINT; for a server that cannot be pinned, see"
                + " --keyid, --simplestreams and --no-validate in 'rootcellar download --help'"
        )
    }

    /// How to speak to it: what its pin says, else what the configuration says for all servers.
    ///
    /// - Throws: `POLICY` for a client key or token that others may read.
    package func transferOptions(for server: PinnedServer) throws(RootcellarError) -> TransferOptions {
        var options = TransferOptions(
            caFile: server.certificateAuthorities ?? configuration.certificateAuthorities,
            proxy: configuration.proxy
        )
        options.clientCertificate = server.clientCertificate ?? configuration.clientCertificate
        options.clientKey =
            server.clientCertificate == nil
            ? server.clientKey ?? configuration.clientKey : server.clientKey ?? server.clientCertificate
        if let key = options.clientKey ?? options.clientCertificate {
            try Self.checkPrivate(FilePath(key), "client key")
        }
        if let file = try tokenFile(for: server) { options.token = try Self.readToken(FilePath(file)) }
        return options
    }

    /// A token, unlike a certificate, is given away by showing it: that of the configuration is for its server alone.
    private func tokenFile(for server: PinnedServer) throws(RootcellarError) -> String? {
        if let own = server.tokenFile { return own }
        guard let configured = configuration.server, try ServerAddress(configured) == server.address else { return nil }
        return configuration.tokenFile
    }

    /// A file with one token, as `rootcellar token add` prints it.
    package static func readToken(_ path: FilePath) throws(RootcellarError) -> BearerToken {
        try checkPrivate(path, "token")
        let bytes = try readFile(path, limit: 8192, .policy) ?? []
        guard let token = BearerToken(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }) else {
            throw RootcellarError(
                .policy,
                "not a token",
                subject: path.string,
                hint: "it has to be the only thing in the file"
            )
        }
        return token
    }

    /// - Throws: `POLICY` for a secret that others may read.
    package static func checkPrivate(_ path: FilePath, _ what: String) throws(RootcellarError) {
        var status = stat()
        guard unsafe path.withPlatformString({ unsafe stat($0, &status) }) == 0 else {
            throw RootcellarError(
                .policy,
                "cannot read the \(what): \(Errno(rawValue: errno))",
                subject: path.string
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            throw RootcellarError(
                .policy,
                "others may read the \(what)",
                subject: path.string,
                hint: "chmod 600 \(path.string)"
            )
        }
    }
}

extension Configuration {
    /// The settings of this machine and user.
    ///
    /// - Throws: `POLICY` for a file that is wrong.
    package static func load(_ surroundings: Surroundings) throws(RootcellarError) -> Configuration {
        var configuration = Configuration()
        var paths = [surroundings.systemConfiguration.appending("rootcellar.conf")]
        if let own = surroundings.userConfiguration { paths.append(own.appending("rootcellar.conf")) }
        for path in paths {
            guard let bytes = try readFile(path, limit: 1 << 20, .policy) else { continue }
            try configuration.add(String(decoding: bytes, as: UTF8.self), path: path.string)
        }
        return configuration
    }
}
