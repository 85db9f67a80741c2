// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// What the command `serve` was asked to do.
package struct ServeOptions: Sendable {
    /// How the server shows who it is.
    package enum Security: Sendable {
        /// HTTPS with a certificate chain and its private key, both PEM files.
        case files(certificate: FilePath, key: FilePath)
        /// HTTPS with a certificate made on the spot, which clients must be given.
        case selfSigned
        /// HTTP, for a proxy on this machine that does TLS itself.
        case none
    }

    /// The tree to serve.
    package var repository: FilePath
    /// Where to listen.
    package var listen: HostAndPort
    package var security: Security
    package var limits = ServerLimits()

    /// From the words of the command line.
    ///
    /// - Throws: `USAGE` if the address cannot be read, or only one of certificate and key is given.
    package init(
        repository: FilePath,
        listen: String,
        tlsCertificate: FilePath? = nil,
        tlsKey: FilePath? = nil
    ) throws(RootcellarError) {
        self.repository = repository
        self.listen = try HostAndPort(listen)
        switch (tlsCertificate, tlsKey) {
        case (let certificate?, let key?): security = .files(certificate: certificate, key: key)
        case (nil, nil): security = .selfSigned
        default:
            throw RootcellarError(
                .usage,
                "a certificate and its key belong together",
                hint: "give both --tls-cert and --tls-key, or none"
            )
        }
    }

    /// The identity that `security` asks for; nil for plain HTTP.
    ///
    /// - Throws: `POLICY` as `ServerIdentity` does, and for plain HTTP on an address that others can reach.
    package func makeIdentity() throws -> ServerIdentity? {
        switch security {
        case .files(let certificate, let key): return try ServerIdentity(certificate: certificate, key: key)
        case .selfSigned: return try ServerIdentity.selfSigned(host: listen.host)
        case .none:
            guard listen.isLoopback else {
                throw RootcellarError(
                    .policy,
                    "plain HTTP is for a proxy on this machine only",
                    subject: "\(listen)",
                    hint: "listen on 127.0.0.1, or leave TLS on"
                )
            }
            return nil
        }
    }
}
