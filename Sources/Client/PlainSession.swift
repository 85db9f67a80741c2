// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
package import Transfer

/// A connection to a plain server, and what is believed of the files that come over it.
package struct PlainSession {
    package let server: PlainServer
    let http: HTTPSession
    let signatures: FileSignatures?
    private let userMode: Bool
    private let narrator: Narrator

    /// The most bytes of a signature.
    private static let signatureLimit = 16 << 10

    /// - Throws: `SIGNATURE` if the key cannot be used.
    package init(
        _ server: PlainServer,
        _ surroundings: Surroundings,
        _ options: TransferOptions,
        _ narrator: Narrator
    ) throws(RootcellarError) {
        self.server = server
        self.narrator = narrator
        http = try HTTPSession(server: server.address, options: options)
        userMode = surroundings.namespace.usesUserMetadata
        if case .signatures(let signer, let keys) = server.trust {
            narrator.progress("Setting up the GPG keyring")
            signatures = try FileSignatures(by: signer, keys: keys, now: surroundings.now)
        } else {
            signatures = nil
        }
    }

    /// Every image that the server has, each with its newest build.
    package func builds() throws(RootcellarError) -> [PlainBuild] {
        narrator.progress("Downloading the image index")
        guard case .hashes = server.trust else { return try index() }
        let path = "streams/v1/index.json"
        let paths = try StreamsCatalogue.paths(index: required(path, limit: 1 << 20), subject: url(path))
        guard !paths.isEmpty else {
            throw RootcellarError(.binding, "the simplestreams index names no catalogue of images", subject: url(path))
        }
        var builds: [PlainBuild] = []
        for path in paths.prefix(8) {
            builds += try StreamsCatalogue(required(path, limit: FileIndex.limit), subject: url(path)).builds
        }
        return builds
    }

    /// The index for our mode: that of today's level, which most servers do not have, else the one for everybody.
    private func index() throws(RootcellarError) -> [PlainBuild] {
        let base = "meta/1.0/index-\(userMode ? "user" : "system")"
        var path = "\(base).\(ImageMetadata.level)"
        var found = try signed(path, limit: FileIndex.limit)
        if found == nil {
            path = base
            found = try signed(path, limit: FileIndex.limit)
        }
        guard let found else {
            throw RootcellarError(
                .transport,
                "no image index here",
                subject: url(base),
                hint: "check the address; this may be another kind of server"
            )
        }
        return try FileIndex(found, subject: url(path)).builds
    }

    /// A small file, its signature checked where the server signs; nil if there is none.
    ///
    /// - Throws: `SIGNATURE` if the signature is missing or bad, also after the pair was fetched again: the two are
    ///   replaced one after the other when a server publishes.
    func signed(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8]? {
        var attempt = 1
        while true {
            guard case .found(let bytes, _) = try http.get(path, limit: limit) else { return nil }
            guard let signatures else { return bytes }
            do throws(RootcellarError) {
                try signatures.check(bytes, signature(of: path), subject: url(path))
                return bytes
            } catch {
                guard error.errorClass == .signature, attempt < 3 else { throw Self.explained(error, bytes) }
            }
            attempt += 1
            usleep(300_000)
        }
    }

    /// The detached signature beside a file.
    func signature(of path: String) throws(RootcellarError) -> [UInt8] {
        guard case .found(let bytes, _) = try http.get(path + ".asc", limit: Self.signatureLimit) else {
            throw RootcellarError(
                .signature,
                "there is no signature beside this file",
                subject: url(path),
                hint: "nothing that is unsigned is taken from a server that signs"
            )
        }
        return bytes
    }

    /// A small file that has to be there.
    func required(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8] {
        if let bytes = try signed(path, limit: limit) { return bytes }
        throw RootcellarError(
            .transport,
            "no such file on the server",
            subject: url(path),
            hint: "the server may be in the middle of an update, or of another kind; try again later"
        )
    }

    func url(_ path: String) -> String { server.address.url(of: path) }

    /// A login page comes with status 200.
    private static func explained(_ error: RootcellarError, _ bytes: [UInt8]) -> RootcellarError {
        let head = String(decoding: bytes.prefix(256), as: UTF8.self).lowercased()
        guard head.contains("<html") || head.contains("<!doctype") else { return error }
        return RootcellarError(
            error.errorClass,
            error.reason,
            subject: error.subject,
            hint: "this looks like a web page: perhaps a network wants a login first"
        )
    }
}
