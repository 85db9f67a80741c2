// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore

/// What a request's handler knows of the connection.
struct ConnectionContext: InitializableFromSource, Sendable {
    /// The peer's address and port, or what the system calls it.
    let peer: String

    /// The peer's IP address alone.
    let address: String

    /// The connection of HTTP/1.1, or the stream of HTTP/2.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { self.init(channel: source.channel) }

    init(channel: any Channel) {
        self.channel = channel
        // A stream of HTTP/2 has no address of its own everywhere.
        let remote = channel.remoteAddress ?? channel.parent?.remoteAddress
        peer = remote.map(Self.name) ?? "-"
        address = remote?.ipAddress ?? "-"
    }

    private static func name(_ address: SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else { return "local" }
        return HostAndPort(host: host, port: port).description
    }
}
