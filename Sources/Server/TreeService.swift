// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
package import Logging
import Model
import NIOCore
import NIOPosix
import ServiceLifecycle
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Serves a published tree by HTTPS, HTTP/2 and HTTP/1.1, to be run in a `ServiceGroup` that turns SIGTERM and SIGINT
/// into a graceful stop: no new connections, running downloads get `ServerLimits.shutdownGrace`, then `run` returns.
///
/// It does for readers what any web server does over the same directory, and nothing more.
package struct TreeService: Service {
    private let tree: PublishedTree
    private let listen: HostAndPort
    private let identity: ServerIdentity?
    private let limits: ServerLimits
    private let logger: Logger?
    private let onListening: @Sendable (HostAndPort) async -> Void

    /// Opens the tree; nothing is listened on before `run`.
    ///
    /// - Parameters:
    ///   - identity: certificate and key; nil serves plain HTTP, which the caller must have a reason for.
    ///   - logger: takes one line for each request at level info; nil logs nothing.
    ///   - onListening: told the address that was bound, with the real port where 0 was asked for.
    /// - Throws: `REPOSITORY` if the tree cannot be opened, `POLICY` if the kernel is too old.
    package init(
        repository: FilePath,
        listen: HostAndPort,
        identity: ServerIdentity?,
        limits: ServerLimits = ServerLimits(),
        logger: Logger? = nil,
        onListening: @escaping @Sendable (HostAndPort) async -> Void = { _ in }
    ) throws {
        tree = try PublishedTree(repository)
        self.listen = listen
        self.identity = identity
        self.limits = limits
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until the group is told to stop, or the task is cancelled.
    ///
    /// - Throws: `POLICY` if the address cannot be listened on.
    package func run() async throws {
        let table = ConnectionTable(perAddressLimit: limits.connectionsPerAddress)
        let application = makeApplication(table)
        // Ends with this scope: an `async let` that is not awaited is cancelled.
        async let watch: Void = endConnections(table)
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
                subject: "\(listen)",
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

    private func makeApplication(_ table: ConnectionTable) -> Application<TreeResponder> {
        // What the library has to say at lower levels is about itself, not about requests.
        var quiet = logger ?? Logger(label: "rootcellar", factory: { _ in SwiftLogNoOpLogHandler() })
        quiet.logLevel = max(quiet.logLevel, .warning)
        let listen = listen
        return Application(
            responder: TreeResponder(tree: tree, pool: .singleton, log: AccessLog(logger: logger)),
            server: makeServer(table),
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port),
                serverName: "rootcellar",
                backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(allowedConnections(), logger: quiet)
            ),
            onServerRunning: { [onListening] channel in
                await onListening(HostAndPort(host: listen.host, port: channel.localAddress?.port ?? listen.port))
            },
            logger: quiet
        )
    }

    private func makeServer(_ table: ConnectionTable) -> HTTPServerBuilder {
        let limits = limits
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestGuard(stallTimeout: TimeAmount(limits.stallTimeout), bodyLimit: limits.discardedBodyBytes)
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
        let http2 = HTTP2ChannelConfiguration(
            idleTimeout: limits.idleTimeout,
            gracefulCloseTimeout: limits.shutdownGrace,
            streamConfiguration: http1
        )
        return HTTPServerBuilder { responder in
            GuardedChannel(
                base: try HTTP2UpgradeChannel(
                    tlsConfiguration: identity.tlsConfiguration,
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
