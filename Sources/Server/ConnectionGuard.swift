// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Stands next to the socket, below TLS: counts the connection, ends it if its first request does not arrive in time, and
/// can end it at once. Closing from here skips the farewell of TLS, for which a silent peer would be waited for.
final class ConnectionGuard: ChannelInboundHandler {
    typealias InboundIn = Any

    private let table: ConnectionTable
    private let deadline: TimeAmount
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var entry: (address: String, number: UInt64)?
    private var hasSeenRequest = false

    init(table: ConnectionTable, deadline: TimeAmount) {
        self.table = table
        self.deadline = deadline
    }

    /// The guard of the connection that `channel`, or the HTTP/2 stream `channel`, belongs to. On its event loop only.
    static func of(_ channel: any Channel) -> ConnectionGuard? {
        if let own = try? channel.pipeline.syncOperations.handler(type: ConnectionGuard.self) { return own }
        return try? channel.parent?.pipeline.syncOperations.handler(type: ConnectionGuard.self)
    }

    /// A complete request header has arrived; from here on the timeouts of HTTP hold.
    func sawRequest() {
        hasSeenRequest = true
        timer?.cancel()
        timer = nil
    }

    /// Closes the socket now.
    func abort() { context?.close(promise: nil) }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The handlers that finish running requests are not there before the TLS handshake is over.
        if event is ChannelShouldQuiesceEvent, !hasSeenRequest { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard entry == nil else { return }
        let address = context.remoteAddress?.ipAddress ?? "-"
        let me = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        guard let number = table.enter(address, abort: { loop.execute { me.value.abort() } }) else {
            return context.close(promise: nil)
        }
        entry = (address, number)
        timer = loop.assumeIsolated().scheduleTask(in: deadline) { self.abort() }
    }

    private func end() {
        timer?.cancel()
        timer = nil
        if let entry { table.leave(entry.address, entry.number) }
        entry = nil
    }
}
