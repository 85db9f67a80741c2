// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// Stands between HTTP and the responder, once for each HTTP/1.1 connection and each HTTP/2 stream: ends those whose
/// client reads nothing for too long, and those that send a body no request here has a use for. Uploads are of use until
/// they are refused, and have to come at some speed.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let stallTimeout: TimeAmount
    /// Bytes of a body that nobody reads.
    private let bodyLimit: Int
    private let uploadPath: String?
    private let fresh: FreshFiles?
    private var bodyBytes = 0
    private var hasSeenRequest = false
    /// Whether the body is an upload that was not refused yet, and the timer that looks whether it comes.
    private var isUpload = false
    private var arrival: Scheduled<Void>?
    /// Bytes of an upload that have to come in a second.
    private static let uploadSpeed = 1 << 10
    private var pendingWrites = 0
    private var lastProgress = NIODeadline.now()
    private var timer: Scheduled<Void>?
    private var isClosing = false

    /// - Parameter uploadPath: what the paths of uploads begin with; nil where there are none.
    /// - Parameter fresh: files for which "not modified" may be said without the responder.
    init(stallTimeout: TimeAmount, bodyLimit: Int, uploadPath: String? = nil, fresh: FreshFiles? = nil) {
        self.stallTimeout = stallTimeout
        self.bodyLimit = bodyLimit
        self.uploadPath = uploadPath
        self.fresh = fresh
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
        case .head(let head):
            bodyBytes = 0
            if !hasSeenRequest { sawFirst(context) }
            isUpload = head.method == .put && uploadPath.map { head.path?.hasPrefix($0) ?? false } ?? false
            if isUpload { expect(context, moreThan: 0) }
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            if !isUpload, bodyBytes > bodyLimit { return close(context) }
        case .end:
            isUpload = false
            arrival?.cancel()
        }
        context.fireChannelRead(data)
    }

    private func sawFirst(_ context: ChannelHandlerContext) {
        hasSeenRequest = true
        ConnectionGuard.of(context.channel)?.sawRequest()
        let pipeline = context.pipeline.syncOperations
        // The library gives no place behind its own handler, and that has to see all requests.
        if let fresh, let state = try? pipeline.handler(type: HTTPConnectionStateHandler.self) {
            try? pipeline.addHandler(FreshnessHandler(fresh), position: .after(state))
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isUpload, case .head(let response) = unwrapOutboundIn(data), response.status.code >= 200 {
            // It was answered before it had come as a whole, so nobody reads the rest.
            isUpload = false
            arrival?.cancel()
            bodyBytes = 0
        }
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

    /// Looks again and again whether an upload comes at the speed it has to. A server that is slow to write it down reads
    /// slowly, too, but not that slowly.
    private func expect(_ context: ChannelHandlerContext, moreThan before: Int) {
        arrival = context.eventLoop.assumeIsolated().scheduleTask(in: stallTimeout) {
            guard self.isUpload else { return }
            let least = Int(self.stallTimeout.nanoseconds / 1_000_000_000) * Self.uploadSpeed
            guard self.bodyBytes - before >= least else { return self.close(context) }
            self.expect(context, moreThan: self.bodyBytes)
        }
    }

    private func stopWatching() {
        timer?.cancel()
        timer = nil
        arrival?.cancel()
        arrival = nil
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
