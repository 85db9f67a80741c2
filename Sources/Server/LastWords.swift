// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Stands above TLS and lets a connection close only when what was written before is with the kernel.
///
/// TLS closes at once and drops what was written but not flushed. That is the last frame of the last response, since an
/// HTTP/2 connection that is told to stop is closed while the frame that ends its last stream is being written.
final class LastWords: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let patience: TimeAmount
    private var timer: Scheduled<Void>?
    private var closing: EventLoopPromise<Void>?

    /// - Parameter patience: how long a peer that reads nothing can put off the end.
    init(patience: TimeAmount) { self.patience = patience }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else { return context.close(mode: mode, promise: promise) }
        if let closing {
            if let promise { closing.futureResult.cascade(to: promise) }
            return
        }
        let closing = promise ?? context.eventLoop.makePromise()
        self.closing = closing
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
            self.timer = nil
            context.close(promise: closing)
        }
        // Nothing, but it is out only after all that was written before it.
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            guard let timer = self.timer else { return }
            timer.cancel()
            self.timer = nil
            context.close(promise: closing)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }
}
