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
    /// What stands before the tree in every URL's path.
    package var basePath = BasePath()
    /// The file of tokens; nil for none.
    package var tokens: FilePath?
    /// A PEM file of authorities whose client certificates count as tokens.
    package var clientAuthorities: FilePath?
    /// Images that only tokens may read.
    package var privateImages: [ImagePattern] = []
    /// Whether everything else is for everybody.
    package var allowsAnonymousReading = true
    /// The quarantine for what builders send; nil where nothing is taken.
    package var uploads: FilePath?
    package var uploadLimits = UploadLimits()
    /// How many requests in a second each token, or each address without one, may make; nil for any number.
    package var rate: Double?
    /// Addresses of proxies, which say for whom they ask.
    package private(set) var proxies: Set<String> = []

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

    /// Checks what belongs together.
    ///
    /// - Throws: `USAGE` for an option that has no meaning without another one.
    package func check() throws(RootcellarError) {
        func refuse(_ reason: String) -> RootcellarError {
            RootcellarError(.usage, reason, hint: "give --tokens FILE, which 'rootcellar token add' makes")
        }
        guard tokens == nil else {
            if case .none = security, clientAuthorities != nil {
                throw RootcellarError(.usage, "client certificates need TLS", hint: "leave out --no-tls")
            }
            return
        }
        if !allowsAnonymousReading { throw refuse("without tokens nobody could read anything") }
        if !privateImages.isEmpty { throw refuse("without tokens nobody could read private images") }
        if uploads != nil { throw refuse("without tokens nobody could upload anything") }
        if clientAuthorities != nil { throw refuse("client certificates count as tokens of a list") }
    }

    /// Believes a proxy what it says in `X-Forwarded-For`.
    ///
    /// - Throws: `USAGE` for anything but an IP address.
    package mutating func add(proxy text: String) throws(RootcellarError) {
        switch IPAddress(text) {
        case .version4: proxies.formUnion([text, "::ffff:\(text)"])  // as it is seen where [::] is listened on
        case .version6: proxies.insert(text)
        case nil: throw RootcellarError(.usage, "not an IP address", subject: "'\(text)'")
        }
    }

    /// The identity that `security` asks for; nil for plain HTTP.
    ///
    /// - Throws: `POLICY` as `ServerIdentity` does, and for plain HTTP on an address that others can reach.
    package func makeIdentity() throws -> CurrentIdentity? {
        switch security {
        case .files(let certificate, let key): return try CurrentIdentity(certificate: certificate, key: key)
        case .selfSigned: return CurrentIdentity(try ServerIdentity.selfSigned(host: listen.host))
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
