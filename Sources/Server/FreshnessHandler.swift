// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers on the event loop what `FreshFiles` can answer; all other requests go on to the responder. Stands behind the
/// library's own handler, which counts requests and closes idle connections.
final class FreshnessHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let files: FreshFiles
    /// Requests that have gone on and are not answered: those behind them have to wait for their turn.
    private var waiting = 0
    /// A request without its end yet, and the answer to it.
    private var held: (request: NIOAny, answer: HTTPResponse)?

    init(_ files: FreshFiles) { self.files = files }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if waiting == 0, let answer = files.answer(head, over: context.channel) {
                held = (data, answer)
                return
            }
            waiting += 1
        case .body:
            // No request of this kind has one; what to do with it is known elsewhere.
            if let held {
                self.held = nil
                waiting += 1
                context.fireChannelRead(held.request)
            }
        case .end:
            if let held {
                self.held = nil
                context.write(wrapOutboundOut(.head(held.answer)), promise: nil)
                return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { waiting -= 1 }
        context.write(data, promise: promise)
    }
}
