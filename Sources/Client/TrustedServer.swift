// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
import SystemPackage
package import Transfer

/// A pinned server, seen through everything that has to be true before a word of it is believed.
///
/// One request when nothing has changed; state is written only after the whole way down to the manifest was verified.
package final class TrustedServer {
    /// The manifest in force.
    package let manifest: Manifest
    /// The pointer in force.
    package let pointer: Pointer
    /// The root document in force.
    package let root: RootDocument
    /// Where files come from; nil if only what is in the cache can be used, and `offline` says why.
    let mirrors: Mirrors?
    /// Why the server's own word could not be had, if so: then the last one is used.
    package let offline: RootcellarError?
    private let pin: PinnedServer
    private let objects: ObjectStore

    /// Asks the server what is in force.
    ///
    /// - Parameters:
    ///   - allowStale: whether an unreachable server, or one whose pointer is no longer valid, may be replaced by what
    ///     was accepted from it last time.
    ///   - warn: told what the user should know: an address that is left, a clock that is behind.
    /// - Throws: the class of the first check that failed.
    package static func ask(
        _ pin: PinnedServer,
        layout: CacheLayout,
        now: Timestamp,
        options: TransferOptions,
        allowStale: Bool,
        warn: @escaping (String) -> Void = { _ in }
    ) throws(RootcellarError) -> TrustedServer {
        try layout.prepare()
        let lock = try FileLock(layout.lock("server-\(pin.stateName)"), of: layout)
        defer { withExtendedLifetime(lock) {} }
        let state = try layout.readState(of: pin.stateName)
        do throws(RootcellarError) {
            return try TrustedServer(online: pin, state: state, layout: layout, now: now, options: options, warn: warn)
        } catch {
            guard allowStale, error.errorClass == .transport || error.errorClass == .freeze, let state,
                !Interruption.isRequested
            else { throw error }
            return try TrustedServer(offline: pin, state: state, layout: layout, because: error)
        }
    }

    /// What was accepted from the server last time, without asking it; nil if there was no last time.
    package static func remembered(
        _ pin: PinnedServer,
        layout: CacheLayout
    ) throws(RootcellarError) -> TrustedServer? {
        try layout.prepare()
        guard let state = try layout.readState(of: pin.stateName) else { return nil }
        let reason = RootcellarError(.transport, "the server was not asked", subject: pin.address.url)
        do throws(RootcellarError) {
            return try TrustedServer(offline: pin, state: state, layout: layout, because: reason)
        } catch {
            return nil
        }
    }

    private init(
        online pin: PinnedServer,
        state: ServerState?,
        layout: CacheLayout,
        now: Timestamp,
        options: TransferOptions,
        warn: @escaping (String) -> Void
    ) throws(RootcellarError) {
        if options.ignoresProxy {
            warn(
                "the proxy of the environment is not used by a program with raised rights; set 'proxy' in rootcellar.conf"
            )
        }
        let objects = ObjectStore(layout)
        let mirrors = Mirrors(pin, options: options, warn: warn)
        if let known = Self.rememberedManifest(state, objects) { mirrors.add(known) }
        let clock = ClockFloor(now: now, lastSigned: state?.signedAt)
        let descent = Descent(
            pin: pin.pin,
            state: state,
            clock: clock,
            documents: SignedDocuments(now: clock.effective, denied: pin.denied),
            remembered: { reference throws(RootcellarError) in try objects.read(reference) },
            remember: { bytes, reference throws(RootcellarError) in try objects.write(bytes, as: reference) },
            keepEvidence: { try? layout.replace(layout.evidence(pin.stateName), by: $0) }
        )
        let found = try mirrors.attempt { session throws(RootcellarError) in try descent.run(session) }
        for notice in found.notices { warn(notice) }
        let lastSigned = found.isReset ? nil : state?.signedAt
        let next = ServerState(
            server: found.link.document.server,
            pins: pin.fingerprints,
            root: String(decoding: found.link.file, as: UTF8.self),
            pointer: String(decoding: found.pointerFile, as: UTF8.self),
            etag: found.etag,
            address: found.address == pin.address.url ? nil : found.address,
            manifest: found.pointer.manifest,
            signedAt: max(found.pointer.signedAt, lastSigned ?? found.pointer.signedAt)
        )
        if state.map({ $0.isDifferent(from: next) }) ?? true { try layout.writeState(next, of: pin.stateName) }
        mirrors.add(found.manifest)
        manifest = found.manifest
        pointer = found.pointer
        root = found.link.document
        self.mirrors = mirrors
        offline = nil
        self.pin = pin
        self.objects = objects
    }

    /// The manifest that was accepted last time, for the addresses in it: those are asked when the pinned one is gone.
    private static func rememberedManifest(_ state: ServerState?, _ objects: ObjectStore) -> Manifest? {
        guard let state, let bytes = try? objects.read(state.manifest.file),
            let file = try? SignedFile(reading: bytes, kind: .manifest, subject: "cache")
        else { return nil }
        return try? Manifest(verified: file.payload, subject: "cache")
    }

    /// What was accepted last time; nothing of it is believed that was not verified then.
    private init(
        offline pin: PinnedServer,
        state: ServerState,
        layout: CacheLayout,
        because reason: RootcellarError
    ) throws(RootcellarError) {
        let path = layout.server(pin.stateName).string
        guard state.pins == pin.fingerprints else { throw reason }
        let objects = ObjectStore(layout)
        guard let bytes = try objects.read(state.manifest.file) else { throw reason }
        let manifestFile = try SignedFile(reading: bytes, kind: .manifest, subject: path)
        let pointerFile = try SignedFile(reading: Array(state.pointer.utf8), kind: .pointer, subject: path)
        let rootFile = try SignedFile(reading: Array(state.root.utf8), kind: .root, subject: path)
        manifest = try Manifest(verified: manifestFile.payload, subject: path)
        pointer = try Pointer(verified: pointerFile.payload, subject: path)
        root = try RootDocument(verified: rootFile.payload, subject: path)
        mirrors = nil
        offline = reason
        self.pin = pin
        self.objects = objects
    }

    /// A document of the tree by size and hash, from the cache or the server.
    ///
    /// - Throws: `TRANSPORT`, `SIZE` or `HASH`.
    package func bytes(_ path: String, _ reference: FileReference, limit: Int) throws(RootcellarError) -> [UInt8] {
        try document(path, reference, limit: limit) { mirrors throws(RootcellarError) in
            try mirrors.attempt { session throws(RootcellarError) in try session.file(path, reference) }
        } ?? []
    }

    /// The same, of a document that a server may not show to everybody; nil if no address has it for us.
    func bytesIfShown(_ path: String, _ reference: FileReference, limit: Int) throws(RootcellarError) -> [UInt8]? {
        try document(path, reference, limit: limit) { mirrors throws(RootcellarError) in
            try mirrors.forgiving { () throws(RootcellarError) in
                try mirrors.attempt { session throws(RootcellarError) in
                    let answer = try session.get(path, limit: reference.size, exactSize: reference.size, etag: nil)
                    guard case .missing = answer, mirrors.isLast else {
                        return try session.file(path, reference, answer)
                    }
                    return nil
                }
            }
        }
    }

    private func document(
        _ path: String,
        _ reference: FileReference,
        limit: Int,
        _ fetch: (Mirrors) throws(RootcellarError) -> [UInt8]?
    ) throws(RootcellarError) -> [UInt8]? {
        let url = pin.address.url(of: path)
        guard reference.size <= limit else {
            throw RootcellarError(.size, "\(reference.size) bytes signed where \(limit) are the most", subject: url)
        }
        if let bytes = try objects.read(reference) { return bytes }
        guard let mirrors else { throw offline ?? RootcellarError(.transport, "no connection", subject: url) }
        guard let bytes = try fetch(mirrors) else { return nil }
        try objects.write(bytes, as: reference)
        return bytes
    }
}

extension ServerState {
    /// Whether there is anything to write down.
    fileprivate func isDifferent(from other: ServerState) -> Bool {
        root != other.root || pointer != other.pointer || etag != other.etag || address != other.address
            || pins != other.pins || signedAt != other.signedAt
    }
}
