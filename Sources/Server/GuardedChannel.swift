// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// Any kind of connection with a `ConnectionGuard` put next to its socket, and `LastWords` above TLS.
struct GuardedChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let table: ConnectionTable
    let limits: ServerLimits

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        let pipeline = channel.pipeline.syncOperations
        do {
            try pipeline.addHandler(ConnectionGuard(table: table, deadline: TimeAmount(limits.firstRequestDeadline)))
            let value = base.setup(channel: channel, logger: logger)
            if let security = try? pipeline.handler(type: NIOSSLServerHandler.self) {
                try pipeline.addHandler(
                    LastWords(patience: TimeAmount(limits.stallTimeout)),
                    position: .after(security)
                )
            }
            return value
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
