// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Transfer

/// A client that trusts the server's authority and waits for nothing longer than a test can bear.
func client<Result: Sendable>(
    _ server: HostileServer,
    url: String? = nil,
    _ change: @Sendable (inout TransferOptions) -> Void = { _ in },
    _ body: @escaping @Sendable (HTTPSession) throws -> Result
) async throws -> Result {
    var options = TransferOptions(caFile: server.caFile, proxy: "")
    options.connectTimeout = .seconds(5)
    options.backoffBase = .milliseconds(1)
    options.backoffCap = .milliseconds(5)
    change(&options)
    let fixed = options
    let address = url ?? server.url
    return try await blocking {
        try body(HTTPSession(server: ServerAddress(address), options: fixed))
    }
}

/// The error of a client that must fail.
func refusal(
    _ server: HostileServer,
    url: String? = nil,
    _ change: @Sendable (inout TransferOptions) -> Void = { _ in },
    _ body: @escaping @Sendable (HTTPSession) throws -> Void
) async throws -> RootcellarError {
    do {
        try await client(server, url: url, change, body)
    } catch let error as RootcellarError {
        return error
    }
    throw NotRefused()
}

/// The client accepted what it had to refuse.
struct NotRefused: Error {}

extension HTTPSession {
    /// A file that must be there.
    func bytes(_ path: String, limit: Int = 1 << 20, exactSize: Int? = nil) throws -> [UInt8] {
        guard case .found(let bytes, _) = try get(path, limit: limit, exactSize: exactSize) else { throw NotRefused() }
        return bytes
    }

    /// What `stream` delivers, put together.
    func streamed(_ path: String, from offset: Int = 0, size: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        try stream(path, from: offset, size: size) { span throws(RootcellarError) in
            unsafe span.withUnsafeBytes { unsafe result.append(contentsOf: $0) }
        }
        return result
    }
}

/// The first bytes of the test pattern.
func pattern(_ range: Range<Int>) -> [UInt8] { range.map { patternByte(at: $0) } }

func text(_ text: String) -> [UInt8] { Array(text.utf8) }
