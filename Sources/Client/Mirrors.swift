// SPDX-License-Identifier: Apache-2.0

import Model
import Transfer

/// The addresses that one server's tree can be fetched from: the pinned one, those of the pin, and those that the
/// server's own manifest names. None of them is believed; one that fails or shows something wrong is left for the rest of
/// the run, named in a warning, and the next one is asked.
package final class Mirrors {
    /// The most addresses that are tried in one run.
    static let most = 8

    private let options: TransferOptions
    private let warn: (String) -> Void
    private var addresses: [ServerAddress]
    /// How many of the addresses the user gave: only these see the client's certificate and token.
    private let pinned: Int
    private var sessions: [Int: HTTPSession] = [:]
    private var left: [Int: RootcellarError] = [:]

    /// The addresses of a pin.
    init(_ pin: PinnedServer, options: TransferOptions, warn: @escaping (String) -> Void) {
        self.options = options
        self.warn = warn
        addresses = []
        for address in [pin.address] + pin.mirrors where !addresses.contains(address) { addresses.append(address) }
        addresses = Array(addresses.prefix(Self.most))
        pinned = addresses.count
    }

    /// Adds what a verified manifest names; what is no address is passed over.
    func add(_ manifest: Manifest) {
        for text in manifest.mirrors ?? [] where addresses.count < Self.most {
            guard let address = try? ServerAddress(text), !addresses.contains(address) else { continue }
            addresses.append(address)
        }
    }

    /// Whether the address in use is the last one.
    var isLast: Bool { addresses.count - left.count <= 1 }

    /// Runs `body` with one address after the other until it succeeds.
    ///
    /// - Throws: what `body` throws if that is not the server's fault, or if no address is left: then what was wrong with
    ///   the contents of one, else why the last one could not be reached.
    func attempt<Result>(
        _ body: (HTTPSession) throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        var last = left.values.first
        for index in 0..<Self.most where index < addresses.count && left[index] == nil {
            do throws(RootcellarError) {
                let session = try session(index)
                // Another address is better than another try.
                session.tries = isLast ? nil : 1
                return try body(session)
            } catch {
                guard Self.isOfTheServer(error), !Interruption.isRequested else { throw error }
                left[index] = error
                if last?.errorClass ?? .transport == .transport { last = error }
                if left.count < addresses.count {
                    warn("\(addresses[index].url) is left, another address is asked (\(error.description))")
                }
            }
        }
        throw last ?? RootcellarError(.transport, "no address is left")
    }

    /// Runs `body`, which fetches what can be done without: an address that does not have it is left for that long only.
    func forgiving<Result>(_ body: () throws(RootcellarError) -> Result) throws(RootcellarError) -> Result {
        let before = left
        defer { left = before }
        return try body()
    }

    private func session(_ index: Int) throws(RootcellarError) -> HTTPSession {
        if let session = sessions[index] { return session }
        var options = options
        if index >= pinned { (options.clientCertificate, options.clientKey, options.token) = (nil, nil, nil) }
        let session = try HTTPSession(server: addresses[index], options: options)
        session.shouldStop = { Interruption.isRequested }
        sessions[index] = session
        return session
    }

    /// Whether another address may do better.
    private static func isOfTheServer(_ error: RootcellarError) -> Bool {
        switch error.errorClass {
        case .transport, .signature, .rollback, .freeze, .binding, .size, .hash, .clock: true
        default: false
        }
    }
}
