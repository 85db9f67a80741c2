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
            """
    )

    @Option(help: "The tree.") private var repo: String
    @Option(help: "HOST:PORT; port 0 takes a free one.") private var listen: String
    @Option(help: "A certificate chain in PEM.") private var tlsCert: String?
    @Option(help: "Its private key in PEM.") private var tlsKey: String?
    @Option(help: "Write the certificate to this file.") private var caOut: String?
    @Flag(help: "Log every request to standard error.") private var accessLog = false

    package init() {}

    package func run() async throws {
        let options = try ServeOptions(
            repository: FilePath(repo),
            listen: listen,
            tlsCertificate: tlsCert.map { FilePath($0) },
            tlsKey: tlsKey.map { FilePath($0) }
        )
        TreeService.raiseDescriptorLimit()
        let identity = try options.makeIdentity()
        if let identity {
            if let caOut { try identity.writeCertificate(to: FilePath(caOut)) }
            if identity.isSelfSigned {
                tell("rootcellar: certificate made for this run, SHA-256 \(identity.fingerprint)")
            }
        }
        var logger = Logger(label: "rootcellar") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        // Requests are of level info, failures of ours are more.
        var requests = Logger(label: "requests") { StreamLogHandler.standardError(label: $0) }
        requests.logLevel = accessLog ? .info : .warning
        let service = try TreeService(
            repository: options.repository,
            listen: options.listen,
            identity: identity,
            limits: options.limits,
            logger: requests,
            onListening: { address in say("https://\(address)") }
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
    }
}
