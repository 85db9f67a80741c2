// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import Transfer

/// What is remembered of a plain server: that it was signed once, and which builds it has shown.
struct PlainServerState: Document {
    static let title = "state of a plain server"
    var format = documentFormat
    /// Its address; there is no other name for it.
    var url: String
    /// The key that signed its files; nil while it was only believed for its connection.
    var signer: Fingerprint?
    /// Whether its builds had signed checksums.
    var checksums = false
    /// The newest build of each image that was verified and is in the cache, by the image's path.
    var images: [String: Image] = [:]

    struct Image: Codable, Sendable, Equatable {
        var serial: String
        var rootfs: FileReference
        var metadata: FileReference?
        /// When it was fetched.
        var fetched: Timestamp
    }

    /// Nothing is known yet.
    init(_ server: PlainServer) { url = server.address.url }

    /// Throws away what was believed for another reason than `trust`.
    mutating func align(with server: PlainServer) {
        guard signer != server.signer else { return }
        signer = server.signer
        images = [:]
    }
}

extension CacheLayout {
    /// Servers' own names never begin with `_`.
    private func stateName(of server: PlainServer) -> String {
        "_\(SHA256Digest(hashing: Array(server.address.url.utf8)))"
    }

    /// What is remembered of a plain server; nil at first contact.
    ///
    /// - Throws: `CACHE` if it cannot be read: it is not begun anew by itself, or damage could hide that the server was
    ///   signed.
    func readState(of plain: PlainServer) throws(RootcellarError) -> PlainServerState? {
        let path = server(stateName(of: plain))
        guard let bytes = try readFile(path, limit: 16 << 20, .cache) else { return nil }
        do throws(RootcellarError) {
            let state = try PlainServerState(verified: bytes, subject: path.string)
            guard state.url == plain.address.url else {
                throw RootcellarError(.cache, "this state is of '\(state.url)'", subject: path.string)
            }
            return state
        } catch {
            throw RootcellarError(.cache, error.reason, subject: path.string, hint: "remove this file to begin anew")
        }
    }

    /// Changes what is remembered, under a lock.
    func changeState(
        of plain: PlainServer,
        _ change: (inout PlainServerState) -> Void
    ) throws(RootcellarError) {
        let lock = try FileLock(lock("server-\(stateName(of: plain))"), of: self)
        defer { withExtendedLifetime(lock) {} }
        var state = try readState(of: plain) ?? PlainServerState(plain)
        state.align(with: plain)
        change(&state)
        try replace(server(stateName(of: plain)), by: try state.canonicalBytes())
    }

    /// Whether a file of `servers` is of a plain server.
    static func isPlainState(_ id: String) -> Bool { id.hasPrefix("_") }

    /// The objects that what is remembered of a plain server names.
    func objects(ofPlainState id: String) throws(RootcellarError) -> [SHA256Digest] {
        let path = server(id)
        guard let bytes = try readFile(path, limit: 16 << 20, .cache) else { return [] }
        let state = try PlainServerState(verified: bytes, subject: path.string)
        return state.images.values.flatMap { [$0.rootfs.sha256, $0.metadata?.sha256].compactMap { $0 } }
    }

    /// Where what is remembered of a plain server stands.
    func stateFile(of plain: PlainServer) -> FilePath { server(stateName(of: plain)) }
}
