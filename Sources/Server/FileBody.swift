// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore
import NIOHTTPTypes
import NIOPosix

/// A part of a file on its way to a client, with two chunks of it in memory at a time.
///
/// A `ResponseBodyWriter` takes whatever it is given until the event loop has the time to object, and a page cache is
/// faster than encryption: most of the file would gather in memory. So each chunk goes to the channel itself, which says
/// when it is with the kernel; one is sent while the next is read. All but the reading happens on the event loop of the
/// channel, and both chunks are used again and again, because going from thread to thread and fresh memory cost as much
/// as encryption does.
final class FileBody {
    /// Memory for a chunk.
    ///
    /// Sendable because it goes from the event loop to one call on a thread of the pool and back, and never is in two.
    private final class Chunk: @unchecked Sendable {
        var bytes: ByteBuffer
        init(_ capacity: Int) { bytes = ByteBufferAllocator().buffer(capacity: capacity) }
    }

    /// How it ended: the bytes that are with the kernel, and what went wrong with the file or the channel.
    typealias End = (sent: Int64, failure: (any Error)?)

    private let file: OpenFile
    private let channel: any Channel
    private let pool: NIOThreadPool
    private let traffic: BodyTraffic
    private let end: EventLoopPromise<End>
    /// What is to be read yet.
    private var rest: Range<Int64>
    private var idle: [Chunk]
    private var ready: Chunk?
    private var isReading = false
    private var isSending = false
    private var sent: Int64 = 0
    private var failure: (any Error)?

    private init(
        _ range: Range<Int64>,
        of file: OpenFile,
        over channel: any Channel,
        pool: NIOThreadPool,
        traffic: BodyTraffic
    ) {
        (rest, self.file, self.channel, self.pool, self.traffic) = (range, file, channel, pool, traffic)
        end = channel.eventLoop.makePromise()
        let capacity = Int(min(traffic.chunk, Int64(range.count)))
        idle = [Chunk(capacity), Chunk(capacity)]
    }

    /// Sends a part of a file. The response is incomplete if fewer bytes were sent than it has.
    static func send(
        _ range: Range<Int64>,
        of file: OpenFile,
        over channel: any Channel,
        pool: NIOThreadPool,
        traffic: BodyTraffic
    ) async -> End {
        traffic.begin()
        defer { traffic.end() }
        let future = channel.eventLoop.flatSubmit {
            let body = FileBody(range, of: file, over: channel, pool: pool, traffic: traffic)
            body.advance()
            return body.end.futureResult
        }
        do { return try await future.get() } catch { return (0, error) }
    }

    /// Does whatever can be done now. After a failure nothing is begun any more, but what was begun is waited for, so
    /// that `sent` is right.
    private func advance() {
        if failure == nil {
            if !isSending, let chunk = ready {
                ready = nil
                write(chunk)
            }
            if !isReading, ready == nil, !rest.isEmpty, let chunk = idle.popLast() { read(chunk) }
        }
        if !isSending, !isReading { end.succeed((sent, failure)) }
    }

    private func read(_ chunk: Chunk) {
        isReading = true
        let (file, start) = (file, rest.lowerBound)
        let count = min(traffic.chunk, Int64(rest.count))
        rest = (start + count)..<rest.upperBound
        pool.runIfActive(eventLoop: channel.eventLoop) {
            chunk.bytes.clear()
            try file.read(Int(count), at: start, into: &chunk.bytes)
        }.assumeIsolated().whenComplete { result in
            self.isReading = false
            switch result {
            case .success: self.ready = chunk
            case .failure(let error): self.failure = self.failure ?? error
            }
            self.advance()
        }
    }

    private func write(_ chunk: Chunk) {
        isSending = true
        let count = Int64(chunk.bytes.readableBytes)
        channel.writeAndFlush(HTTPResponsePart.body(chunk.bytes)).assumeIsolated().whenComplete { result in
            self.isSending = false
            switch result {
            case .success:
                self.sent += count
                self.idle.append(chunk)
            case .failure(let error): self.failure = self.failure ?? error
            }
            self.advance()
        }
    }
}
