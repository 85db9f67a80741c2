// SPDX-License-Identifier: Apache-2.0

import NIOCore
import SystemPackage

/// One connection of a ``HostileServer``: collects requests and plays the script of each answer, one after the other.
final class HostileServerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The most that is handed to the socket at once: the next piece waits until this one was written, so that the
    /// server never holds more of an endless answer.
    private static let piece = 256 << 10

    private let server: HostileServer
    private let cutter: HostileServerCutter
    private var input: [UInt8] = []
    private var steps: ArraySlice<HostileServerReply.Step> = []
    private var isAnswering = false
    private var isGone = false

    init(server: HostileServer, cutter: HostileServerCutter) {
        self.server = server
        self.cutter = cutter
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        input += buffer.readBytes(length: buffer.readableBytes) ?? []
        answerNext(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        steps = []
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isGone = true
        context.close(promise: nil)
    }

    private func answerNext(_ context: ChannelHandlerContext) {
        guard !isAnswering, !isGone, let end = endOfHead(input) else { return }
        let request = HostileServerRequest(Array(input[..<end]))
        input.removeFirst(end)
        isAnswering = true
        steps = server.answer(request).steps[...]
        play(context)
    }

    private func play(_ context: ChannelHandlerContext) {
        guard !isGone else { return }
        guard let step = steps.popFirst() else {
            isAnswering = false
            return answerNext(context)
        }
        switch step {
        case .bytes(let bytes):
            send(context, ByteBuffer(bytes: bytes))
        case .pattern(let range):
            let part = range.prefix(Self.piece)
            if part.count < range.count {
                steps.insert(.pattern(part.upperBound..<range.upperBound), at: steps.startIndex)
            }
            let start = part.lowerBound % patternPeriod
            guard let slice = patternBuffer.getSlice(at: start, length: part.count) else { return cutter.cut() }
            send(context, slice)
        case .file(let path, let range):
            let part = range.prefix(Self.piece)
            if part.count < range.count {
                steps.insert(.file(path, part.upperBound..<range.upperBound), at: steps.startIndex)
            }
            guard let bytes = try? readFile(path, part) else { return cutter.cut() }
            send(context, ByteBuffer(bytes: bytes))
        case .endlessly(let bytes, let interval):
            steps = [.pause(interval), step]
            send(context, ByteBuffer(bytes: bytes))
        case .pause(let duration):
            let time = TimeAmount.nanoseconds(
                duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
            )
            let loop = context.eventLoop.assumeIsolated()
            loop.scheduleTask(in: time) { self.play(context) }
        case .close:
            context.close(promise: nil)
        case .cut:
            cutter.cut()
        }
    }

    private func send(_ context: ChannelHandlerContext, _ buffer: ByteBuffer) {
        let done = context.writeAndFlush(wrapOutboundOut(buffer))
        done.assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.play(context)
            case .failure: self.isGone = true
            }
        }
    }
}

/// Sits between TLS and the socket, where closing means closing the socket.
final class HostileServerCutter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func cut() { context?.close(promise: nil) }
}

/// The test pattern from any phase for as long as one piece.
private let patternBuffer: ByteBuffer = {
    let period = (0..<patternPeriod).map { patternByte(at: $0) }
    var buffer = ByteBuffer()
    for _ in 0..<6 { buffer.writeBytes(period) }
    return buffer
}()

private func endOfHead(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (4...bytes.count).first {
        bytes[$0 - 4] == 13 && bytes[$0 - 3] == 10 && bytes[$0 - 2] == 13 && bytes[$0 - 1] == 10
    }
}

private func readFile(_ path: FilePath, _ range: Range<Int>) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
    return try file.closeAfter {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var filled = 0
        while filled < bytes.count {
            let count = try unsafe bytes.withUnsafeMutableBytes {
                try unsafe file.read(
                    fromAbsoluteOffset: Int64(range.lowerBound + filled),
                    into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...])
                )
            }
            guard count > 0 else { throw Errno.badAddress }
            filled += count
        }
        return bytes
    }
}
