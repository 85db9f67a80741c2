// SPDX-License-Identifier: Apache-2.0

/// What one client may cost. The defaults suit a public server; every one can be set.
package struct ServerLimits: Sendable {
    /// From accepting a connection to the end of its first request's header, the TLS handshake included.
    package var firstRequestDeadline: Duration = .seconds(10)
    /// How long a connection may stay open without a request, and how long the header of a further request may take.
    package var idleTimeout: Duration = .seconds(15)
    /// How long a client may take nothing of what it asked for; on HTTP/2 its stream is reset then, and the connection
    /// ended after the same time again if that too cannot be sent. Progress is seen per 256 KiB, so that with the default
    /// a client has to read some 4 KiB in a second.
    package var stallTimeout: Duration = .seconds(60)
    /// Open connections in all; further ones wait in the kernel's queue. Held below what the process may open.
    package var connections = 4096
    /// Open connections from one address; further ones are closed at once.
    package var connectionsPerAddress = 1024
    /// The header of a request, in bytes, and the number of its fields.
    package var headerBytes = 16 << 10
    package var headerFields = 100
    /// Bytes of request body that are read and thrown away before the connection is closed; nothing here has a use for
    /// a body.
    package var discardedBodyBytes = 64 << 10
    /// How often files that may change (certificate, key, tokens) are looked at; what has changed is read when it has been
    /// left alone for as long.
    package var reloadInterval: Duration = .seconds(1)
    /// How long running downloads may go on once the server was told to stop.
    package var shutdownGrace: Duration = .seconds(10)

    /// The defaults.
    package init() {}
}
