// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
package import SystemPackage

/// A real HTTPS server on a loopback port of the kernel's choice that says exactly the bytes it is told to, however
/// wrong they are, and remembers every request it saw.
///
///     try await HostileServer.with { server in
///         server.serve(directory: tree)
///         server.on("/pointer") { _ in .response(body: junk, cut: 10) }
///         … client with server.url and server.caFile …
///         #expect(server.requests.count == 1)
///     }
///
/// It runs on a thread of its own, so that a test may block while it talks to it.
package final class HostileServer: Sendable {
    /// How the server speaks.
    package enum Wire: Sendable {
        /// TLS 1.2 and 1.3.
        case tls
        /// TLS 1.1 and older.
        case oldTLS
        /// Plain TCP: to prove that nobody connects.
        case plain
    }

    /// Answers one request.
    package typealias Behaviour = @Sendable (HostileServerRequest) -> HostileServerReply

    /// The port, and the host as the URL has it.
    package let port: Int
    private let host: String
    private let wire: Wire
    /// The certificate authority that made the server's certificate.
    package let caFile: String
    /// The server's certificate chain and key, for other servers of the same test.
    package let certificate: HostileServerCertificate

    private struct State {
        var routes: [String: Behaviour] = [:]
        var fallback: Behaviour = { _ in .response(status: 404) }
        var requests: [HostileServerRequest] = []
        var connections = 0
    }

    private let state = Mutex(State())
    private let group: MultiThreadedEventLoopGroup

    /// Runs `body` with a server that answers 404 to everything until it is told otherwise, and stops the server.
    package static func with<Result>(
        _ kind: HostileServerCertificate.Kind = .valid,
        wire: Wire = .tls,
        host: String = "localhost",
        _ body: (HostileServer) async throws -> Result
    ) async throws -> Result {
        let certificate = try await HostileServerCertificate.shared(kind)
        let server = try HostileServer(certificate, wire: wire, host: host)
        do {
            let result = try await body(server)
            try await server.group.shutdownGracefully()
            return result
        } catch {
            try await server.group.shutdownGracefully()
            throw error
        }
    }

    private init(_ certificate: HostileServerCertificate, wire: Wire, host: String) throws {
        self.certificate = certificate
        self.caFile = certificate.authority.string
        self.host = host
        self.wire = wire
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.chain.string).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.key.string, format: .pem))
        )
        tls.applicationProtocols = ["http/1.1"]
        if wire == .oldTLS {
            tls.minimumTLSVersion = .tlsv1
            tls.maximumTLSVersion = .tlsv11
            tls.cipherSuites = "ALL"
        }
        let context = try NIOSSLContext(configuration: tls)
        let reference = Reference()
        let listener = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    let cutter = HostileServerCutter()
                    try pipeline.addHandler(cutter)
                    if wire != .plain { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                    guard let server = reference.server.withLock({ $0.value }) else { throw ChannelError.eof }
                    server.state.withLock { $0.connections += 1 }
                    try pipeline.addHandler(HostileServerConnection(server: server, cutter: cutter))
                }
            }
            .bind(host: host == "[::1]" ? "::1" : "127.0.0.1", port: 0).wait()
        port = listener.localAddress?.port ?? 0
        reference.server.withLock { $0.value = self }
    }

    /// Lets the bootstrap's closure, which must exist before the server does, find the server.
    private final class Reference: Sendable {
        struct Weak: Sendable { weak var value: HostileServer? }
        let server = Mutex(Weak())
    }

    /// The server's address without a slash at the end.
    package var url: String { "\(wire == .plain ? "http" : "https")://\(authority)" }

    /// Host and port.
    package var authority: String { "\(host):\(port)" }

    /// Answers one path, whatever the query, by `behaviour` from now on.
    package func on(_ path: String, _ behaviour: @escaping Behaviour) {
        state.withLock { $0.routes[path] = behaviour }
    }

    /// Takes an answer for one path back.
    package func remove(_ path: String) {
        state.withLock { $0.routes[path] = nil }
    }

    /// Answers every path that has no answer of its own.
    package func otherwise(_ behaviour: @escaping Behaviour) {
        state.withLock { $0.fallback = behaviour }
    }

    /// Serves the files below a directory as a well-behaved server does; single paths can still be overridden.
    package func serve(directory: FilePath) {
        otherwise { .file(directory, for: $0) }
    }

    /// Serves `directory`'s file of this path changed by `change`.
    package func tamper(_ path: String, in directory: FilePath, _ change: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        on(path) { request in
            guard let bytes = try? readFile(directory.pushing(FilePath(String(path.drop { $0 == "/" })))) else {
                return .response(status: 404)
            }
            return .content(change(bytes), for: request)
        }
    }

    /// Every request so far, in the order of arrival.
    package var requests: [HostileServerRequest] { state.withLock { $0.requests } }

    /// How often a path was asked for.
    package func count(_ path: String) -> Int { requests.count { $0.path == path } }

    /// TCP connections so far, those that never sent a request included.
    package var connections: Int { state.withLock { $0.connections } }

    /// Forgets the requests and connections so far.
    package func forgetRequests() {
        state.withLock {
            $0.requests = []
            $0.connections = 0
        }
    }

    func answer(_ request: HostileServerRequest) -> HostileServerReply {
        let behaviour = state.withLock {
            $0.requests.append(request)
            return $0.routes[request.path] ?? $0.fallback
        }
        return behaviour(request)
    }
}

func readFile(_ path: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
    return try file.closeAfter {
        let size = Int(try file.seek(offset: 0, from: .end))
        try file.seek(offset: 0, from: .start)
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = try unsafe bytes.withUnsafeMutableBytes {
                try unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
            }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes.prefix(filled))
    }
}
