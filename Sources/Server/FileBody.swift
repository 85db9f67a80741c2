// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore
import NIOHTTPTypes
import NIOPosix

/// A part of a file on its way to a client, with two chunks of it in memory at a time.
///
/// A `ResponseBodyWriter` takes whatever it is given until the event loop has the time to object, and a page cache is
/// faster than encryption: most of the file would gather in memory. So each chunk goes to the channel itself, which says
/// when it is with the kernel; one is sent while the next is read.
struct FileBody {
    /// What is read and written at a time.
    static let chunk: Int64 = 256 << 10

    let file: OpenFile
    let range: Range<Int64>
    let channel: any Channel
    let pool: NIOThreadPool
    /// Bytes that are with the kernel.
    private(set) var sent: Int64 = 0

    /// Whether there is more to be sent.
    var isCut: Bool { sent < Int64(range.count) }

    init(_ file: OpenFile, _ range: Range<Int64>, over channel: any Channel, pool: NIOThreadPool) {
        self.file = file
        self.range = range
        self.channel = channel
        self.pool = pool
    }

    /// Sends all of it.
    ///
    /// - Throws: what went wrong with the file or the channel; the response is incomplete then if `isCut`.
    mutating func send() async throws {
        var sending: EventLoopFuture<Void>?
        var inFlight: Int64 = 0
        var position = range.lowerBound
        while position < range.upperBound {
            let buffer = try await read(at: position)
            try await sending?.get()
            sent += inFlight
            inFlight = Int64(buffer.readableBytes)
            position += inFlight
            sending = channel.writeAndFlush(HTTPResponsePart.body(buffer))
        }
        try await sending?.get()
        sent += inFlight
    }

    private func read(at position: Int64) async throws -> ByteBuffer {
        let file = file
        let count = Int(min(Self.chunk, range.upperBound - position))
        return try await pool.runIfActive {
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            try file.read(count, at: position, into: &buffer)
            return buffer
        }
    }
}
