// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2

/// Ends an HTTP/2 stream in the frame that completes the response, not in an empty one after it.
///
/// curl is done as soon as it has what `Content-Length` promised, or the header of a response that has no body, and
/// resets a stream that has not ended by then. NIO takes more than 200 resets in half a minute for an attack and closes
/// the connection, so that one request in some hundreds would fail.
final class StreamEnd: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private var isHead = false
    /// Bytes of body still to come; nil before the response's header and for a length that is not known.
    private var remaining: Int?
    private var hasEnded = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .headers(let request) = unwrapInboundIn(data), let method = request.headers.first(name: ":method") {
            isHead = method == "HEAD"
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // What was to end the stream comes when it has ended already.
        if hasEnded { return promise?.succeed(()) ?? () }
        switch unwrapOutboundIn(data) {
        case .headers(var response):
            let hasNoBody = isHead || response.headers.first(name: ":status") == "304"
            remaining = hasNoBody ? 0 : response.headers.first(name: "content-length").flatMap { Int($0) }
            if remaining == 0 { response.endStream = true }
            hasEnded = response.endStream
            context.write(wrapOutboundOut(.headers(response)), promise: promise)
        case .data(var body):
            let left = remaining.map { $0 - body.data.readableBytes }
            remaining = left
            if left == 0 { body.endStream = true }
            hasEnded = body.endStream
            context.write(wrapOutboundOut(.data(body)), promise: promise)
        default:
            context.write(data, promise: promise)
        }
    }
}
