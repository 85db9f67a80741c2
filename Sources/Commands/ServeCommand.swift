// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ClientCommands
import Logging
import Model
import Server
import ServiceLifecycle
import SystemPackage
import UnixSignals

/// `rootcellar serve`.
package struct ServeCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a tree over HTTPS",
        discussion: """
            Without a certificate one is made on the spot; its fingerprint is printed, and --ca-out writes it to a file that
            clients can be given. The first line on standard output is the address, once it is listened on.

            Beside the tree it answers /healthz (JSON, 503 once clients refuse what is published) and /metrics (for
            Prometheus). Certificate and key are read again when their files change; what cannot be used is reported, and
            the old pair stays.

            With --tokens ('rootcellar token') some images, or with --no-anonymous-read everything, is for those who show
            one. Who may not read an image is not told of it by pages, feeds, the API and the lists for stock clients. What is
            signed is shown whole or not at all, so private images belong into a distribution of their own.

            With --uploads builders whose tokens allow it send images into a directory ('rootcellar publish --to'), from
            which 'rootcellar publish --uploads' takes them, where the keys are.
            """
    )

    @Option(help: "The tree.") private var repo: String
    @Option(help: "HOST:PORT; port 0 takes a free one.") private var listen: String
    @Option(help: "A certificate chain in PEM.") private var tlsCert: String?
    @Option(help: "Its private key in PEM.") private var tlsKey: String?
    @Flag(help: "Plain HTTP, for a proxy on this machine.") private var noTls = false
    @Option(help: "Write the certificate to this file.") private var caOut: String?
    @Option(help: "What stands before the tree in every URL's path, such as /images.") private var basePath: String?
    @Option(
        parsing: .singleValue,
        help:
            "The address of a proxy, which is believed for whom it asks (X-Forwarded-For); may be given several times."
    ) private var trustedProxy: [String] = []
    @Option(help: "Who may read or upload what.") private var tokens: String?
    @Option(help: "A PEM file of authorities; a certificate of theirs counts as the token of its common name.")
    private var clientCa: String?
    @Option(
        name: .customLong("private"),
        parsing: .singleValue,
        help: "Images that only tokens may read, such as example/*/*/*; may be given several times."
    ) private var privateImages: [String] = []
    @Flag(help: "Let nobody read without a token.") private var noAnonymousRead = false
    @Option(help: "Take what builders send into this directory, which is no part of the tree.")
    private var uploads: String?
    @Option(help: "Bytes of one upload, at most.") private var uploadBytes: Int?
    @Option(help: "Bytes of all uploads of a token that the publisher has not taken yet, at most.")
    private var uploadTokenBytes: Int?
    @Option(help: "Bytes of the file system that no upload may take.") private var uploadReserve: Int?
    @Option(help: "Requests in a second that each token or address may make.") private var rate: Double?
    @Flag(help: "Write a line of JSON for every request to standard error.") private var accessLog = false

    package init() {}

    package func validate() throws {
        if let rate, !(rate > 0 && rate <= 1_000_000) {
            throw ValidationError("--rate is more than 0 and at most 1000000")
        }
        for bytes in [uploadBytes, uploadTokenBytes, uploadReserve] where bytes ?? 1 < 0 {
            throw ValidationError("a number of bytes is not below 0")
        }
    }

    package func run() async throws {
        let options = try makeOptions()
        TreeService.raiseDescriptorLimit()
        let identity = try options.makeIdentity()
        if let shown = identity?.current {
            if let caOut { try shown.writeCertificate(to: FilePath(caOut)) }
            if shown.isSelfSigned { tell("rootcellar: certificate made for this run, SHA-256 \(shown.fingerprint)") }
        }
        var logger = Logger(label: "rootcellar") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .notice
        let write: (@Sendable (String) -> Void)? = accessLog ? { @Sendable (line: String) in tell(line) } : nil
        let scheme = identity == nil ? "http" : "https"
        let service = try TreeService(
            options,
            identity: identity,
            logger: logger,
            accessLog: write,
            onListening: { address in say("\(scheme)://\(address)\(options.basePath)") }
        )
        var quiet = logger
        quiet.logLevel = .warning
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quiet
            )
        )
        try await group.run()
    }

    private func makeOptions() throws(RootcellarError) -> ServeOptions {
        var options = try ServeOptions(
            repository: try localTree(repo),
            listen: listen,
            tlsCertificate: tlsCert.map { FilePath($0) },
            tlsKey: tlsKey.map { FilePath($0) }
        )
        if noTls {
            guard case .selfSigned = options.security else {
                throw RootcellarError(.usage, "--no-tls has no use for a certificate")
            }
            options.security = .none
        }
        if let basePath { options.basePath = try BasePath(basePath) }
        for address in trustedProxy { try options.add(proxy: address) }
        options.tokens = tokens.map { FilePath($0) }
        options.clientAuthorities = clientCa.map { FilePath($0) }
        for pattern in privateImages { options.privateImages.append(try ImagePattern(pattern)) }
        options.allowsAnonymousReading = !noAnonymousRead
        options.rate = rate
        options.uploads = uploads.map { FilePath($0) }
        if let uploadBytes { options.uploadLimits.uploadBytes = uploadBytes }
        if let uploadTokenBytes { options.uploadLimits.tokenBytes = uploadTokenBytes }
        if let uploadReserve { options.uploadLimits.reserveBytes = uploadReserve }
        return options
    }
}
