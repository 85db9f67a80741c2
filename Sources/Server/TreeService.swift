// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
package import Logging
import Model
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

#if canImport(Glibc)
import Glibc
#endif

/// Serves a published tree by HTTPS, HTTP/2 and HTTP/1.1, to be run in a `ServiceGroup` that turns SIGTERM and SIGINT
/// into a graceful stop: no new connections, running downloads get `ServerLimits.shutdownGrace`, then `run` returns.
///
/// It does for readers what any web server does over the same directory, and tells its operator how it is.
package struct TreeService: Service {
    private let options: ServeOptions
    private let tree: PublishedTree
    private let identity: CurrentIdentity?
    private let tokens: CurrentTokens?
    private let clientAuthorities: [NIOSSLCertificate]
    private let uploads: UploadStore?
    private let catalogue: Catalogue
    private let packages: PackageIndex
    private let logger: Logger?
    private let accessLog: (@Sendable (String) -> Void)?
    private let onListening: @Sendable (HostAndPort) async -> Void
    private let counters = Counters()

    private var limits: ServerLimits { options.limits }

    /// Opens the tree; nothing is listened on before `run`.
    ///
    /// - Parameters:
    ///   - identity: certificate and key; nil serves plain HTTP, which the caller must have a reason for.
    ///   - logger: takes what the operator has to know; nil for nobody.
    ///   - accessLog: takes one line for each request; nil for none.
    ///   - onListening: told the address that was bound, with the real port where 0 was asked for.
    /// - Throws: `REPOSITORY` if the tree cannot be opened, `POLICY` if the kernel is too old or a file of tokens or
    ///   authorities cannot be used, `USAGE` for options that do not fit.
    package init(
        _ options: ServeOptions,
        identity: CurrentIdentity?,
        logger: Logger? = nil,
        accessLog: (@Sendable (String) -> Void)? = nil,
        onListening: @escaping @Sendable (HostAndPort) async -> Void = { _ in }
    ) throws {
        try options.check()
        tree = try PublishedTree(options.repository)
        catalogue = Catalogue(tree, pool: .singleton)
        packages = PackageIndex(tree, pool: .singleton)
        tokens = try options.tokens.map { path throws(RootcellarError) in try CurrentTokens(TokenFile(path)) }
        clientAuthorities = try options.clientAuthorities.map(ServerIdentity.authorities) ?? []
        uploads = try options.uploads.map { path throws(RootcellarError) in
            try UploadStore.check(path, outside: options.repository)
            return try UploadStore(path, limits: options.uploadLimits)
        }
        self.options = options
        self.identity = identity
        self.logger = logger
        self.accessLog = accessLog
        self.onListening = onListening
    }

    /// Serves until the group is told to stop, or the task is cancelled.
    ///
    /// - Throws: `POLICY` if the address cannot be listened on.
    package func run() async throws {
        let table = ConnectionTable(
            perAddressLimit: limits.connectionsPerAddress,
            proxies: options.proxies,
            counters: counters
        )
        let log = AccessLog(write: accessLog, counters: counters, logger: logger)
        let limiter = options.rate.map { RateLimiter(rate: $0) }
        // Whose certificate it is decides about a request, and is known later.
        let fresh =
            clientAuthorities.isEmpty
            ? FreshFiles(tree, limiter: limiter, proxies: options.proxies, log: log) : nil
        let application = makeApplication(table, log, limiter, fresh)
        // All end with this scope: an `async let` that is not awaited is cancelled.
        async let watch: Void = endConnections(table)
        async let _: Void = watchIdentity()
        async let _: Void = watchTokens()
        do {
            try await application.run()
        } catch let error as RootcellarError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw RootcellarError(
                .policy,
                "cannot listen: \(error)",
                subject: "\(options.listen)",
                hint: "choose another --listen address, or stop what listens there"
            )
        }
        _ = try? await watch
    }

    /// Waits for the word to stop, then for the grace, then ends what is left. Returns early when cancelled.
    private func endConnections(_ table: ConnectionTable) async throws {
        try await gracefulShutdown()
        let end = ContinuousClock.now + limits.shutdownGrace
        while table.count > 0, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(20)) }
        table.abortAll()
    }

    /// Reads the certificate again when it has changed, until cancelled.
    private func watchIdentity() async throws {
        while true {
            try await Task.sleep(for: limits.reloadInterval)
            do {
                let changed = try await NIOThreadPool.singleton.runIfActive { [identity] in try identity?.reload() }
                if let changed {
                    logger?.notice("new certificate, SHA-256 \(changed.fingerprint), until \(changed.validUntil)")
                }
            } catch {
                logger?.error("the new certificate is not used, the old one stays: \(error)")
            }
        }
    }

    /// Reads the tokens again when they have changed, until cancelled.
    private func watchTokens() async throws {
        while let tokens {
            try await Task.sleep(for: limits.reloadInterval)
            do {
                guard try await NIOThreadPool.singleton.runIfActive({ try tokens.reload() }) else { continue }
                logger?.notice("new list of tokens: \(tokens.current.tokens.count)")
            } catch {
                logger?.error("no token counts until the list can be read: \(error)")
            }
        }
    }

    private func makeApplication(
        _ table: ConnectionTable,
        _ log: AccessLog,
        _ limiter: RateLimiter?,
        _ fresh: FreshFiles?
    ) -> Application<ServiceResponder> {
        // What the library has to say at lower levels is about itself, not about requests.
        var quiet = logger ?? Logger(label: "rootcellar", factory: { _ in SwiftLogNoOpLogHandler() })
        quiet.logLevel = max(quiet.logLevel, .warning)
        let listen = options.listen
        return Application(
            responder: makeResponder(table, log, limiter, fresh),
            server: makeServer(table, fresh),
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port),
                serverName: ServiceResponder.name,
                backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(allowedConnections(), logger: quiet)
            ),
            onServerRunning: { [onListening] channel in
                await onListening(HostAndPort(host: listen.host, port: channel.localAddress?.port ?? listen.port))
            },
            logger: quiet
        )
    }

    private func makeResponder(
        _ table: ConnectionTable,
        _ log: AccessLog,
        _ limiter: RateLimiter?,
        _ fresh: FreshFiles?
    ) -> ServiceResponder {
        let access = AccessPolicy(
            tokens: tokens,
            privateImages: options.privateImages,
            allowsAnonymous: options.allowsAnonymousReading,
            takesCertificates: !clientAuthorities.isEmpty
        )
        return ServiceResponder(
            basePath: options.basePath,
            proxies: options.proxies,
            access: access,
            limiter: limiter,
            tree: TreeResponder(
                tree: tree,
                basePath: options.basePath,
                pool: .singleton,
                log: log,
                shared: SharedDocuments(tree),
                fresh: fresh
            ),
            status: StatusResponder(
                catalogue: catalogue,
                counters: counters,
                connections: table,
                identity: identity
            ),
            uploads: uploads.map { UploadResponder(store: $0, pool: .singleton) },
            api: APIResponder(
                catalogue: catalogue,
                packages: packages,
                tree: tree,
                basePath: options.basePath,
                access: access,
                pool: .singleton,
                log: log
            ),
            log: log
        )
    }

    private func makeServer(_ table: ConnectionTable, _ fresh: FreshFiles?) -> HTTPServerBuilder {
        let limits = limits
        let uploadPath = uploads == nil ? nil : "\(options.basePath)/\(UploadResponder.prefix)/"
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestGuard(
                    stallTimeout: TimeAmount(limits.stallTimeout),
                    bodyLimit: limits.discardedBodyBytes,
                    uploadPath: uploadPath,
                    fresh: fresh
                )
            ],
            idleTimeout: TimeAmount(limits.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytes,
                maxHeaderListSize: limits.headerBytes,
                maxHeaderFieldCount: limits.headerFields
            )
        )
        guard let identity else {
            return HTTPServerBuilder { responder in
                GuardedChannel(
                    base: HTTP1Channel(responder: responder, configuration: http1),
                    table: table,
                    limits: limits
                )
            }
        }
        var tls = identity.tlsConfiguration
        if !clientAuthorities.isEmpty {
            tls.certificateVerification = .optionalVerification
            tls.trustRoots = .certificates(clientAuthorities)
        }
        let security = tls
        let http2 = HTTP2ChannelConfiguration(
            idleTimeout: limits.idleTimeout,
            gracefulCloseTimeout: limits.shutdownGrace,
            streamConfiguration: http1
        )
        return HTTPServerBuilder { responder in
            GuardedChannel(
                base: try HTTP2UpgradeChannel(
                    tlsConfiguration: security,
                    configuration: http2,
                    responder: responder
                ),
                table: table,
                limits: limits
            )
        }
    }

    /// A connection may have a file open beside its socket, and the process needs some descriptors for itself.
    private func allowedConnections() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return limits.connections
        }
        let own = Int(min(limit.rlim_cur, 1 << 20))
        return max(1, min(limits.connections, (own - 64) / 2))
    }

    /// Lets this process open as many files as it may. For the command that does nothing but serve: the limit belongs to
    /// the whole process.
    package static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
