// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTPTypes

/// Stands between HTTP and the responder, once for each HTTP/1.1 connection and each HTTP/2 stream: ends those whose
/// client reads nothing for too long, and those that send a body no request here has a use for.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let stallTimeout: TimeAmount
    private let bodyLimit: Int
    private var bodyBytes = 0
    private var pendingWrites = 0
    private var lastProgress = NIODeadline.now()
    private var timer: Scheduled<Void>?
    private var isClosing = false

    init(stallTimeout: TimeAmount, bodyLimit: Int) {
        self.stallTimeout = stallTimeout
        self.bodyLimit = bodyLimit
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // A connection of HTTP/1.1 has the connection's guard in its own pipeline; a stream of HTTP/2 has not.
        let pipeline = context.pipeline.syncOperations
        if (try? pipeline.handler(type: ConnectionGuard.self)) == nil {
            // In front, where the library offers no place: next to the network, below what makes frames.
            try? pipeline.addHandler(StreamEnd(), position: .first)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            bodyBytes = 0
            ConnectionGuard.of(context.channel)?.sawRequest()
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            if bodyBytes > bodyLimit { return close(context) }
        case .end:
            break
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise()
        if pendingWrites == 0 { lastProgress = .now() }
        pendingWrites += 1
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.pendingWrites -= 1
            self.lastProgress = .now()
        }
        if timer == nil, !isClosing { watch(context, until: lastProgress + stallTimeout) }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stopWatching()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stopWatching() }

    /// One timer that looks after the writes when it fires, rather than one for each write.
    private func watch(_ context: ChannelHandlerContext, until deadline: NIODeadline) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            guard self.pendingWrites > 0 else { return }
            let next = self.lastProgress + self.stallTimeout
            if next <= .now() { self.close(context) } else { self.watch(context, until: next) }
        }
    }

    private func stopWatching() {
        timer?.cancel()
        timer = nil
    }

    /// A connection of its own is cut below TLS. A stream of HTTP/2 is reset, which leaves the others alone; but the reset
    /// waits behind everything else while the socket takes nothing (NIO holds control frames back then), so that the
    /// connection is cut if the stream is still there after the same time again.
    private func close(_ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        stopWatching()
        if let own = try? context.channel.pipeline.syncOperations.handler(type: ConnectionGuard.self) {
            return own.abort()
        }
        context.close(promise: nil)
        guard context.channel.isActive else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: stallTimeout) {
            ConnectionGuard.of(context.channel)?.abort()
        }
    }
}
