// SPDX-License-Identifier: Apache-2.0

package import Model
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
    package let session: HTTPSession?
    /// Why the server's own word could not be had, if so: then the last one is used.
    package let offline: RootcellarError?
    private let pin: PinnedServer
    private let objects: ObjectStore

    /// Asks the server what is in force.
    ///
    /// - Parameter allowStale: whether an unreachable server, or one whose pointer is no longer valid, may be replaced
    ///   by what was accepted from it last time.
    /// - Throws: the class of the first check that failed.
    package static func ask(
        _ pin: PinnedServer,
        layout: CacheLayout,
        now: Timestamp,
        options: TransferOptions,
        allowStale: Bool
    ) throws(RootcellarError) -> TrustedServer {
        try layout.prepare()
        let lock = try FileLock(layout.lock("server-\(pin.stateName)"), of: layout)
        defer { withExtendedLifetime(lock) {} }
        let state = try layout.readState(of: pin.stateName)
        do throws(RootcellarError) {
            return try TrustedServer(online: pin, state: state, layout: layout, now: now, options: options)
        } catch {
            guard allowStale, error.errorClass == .transport || error.errorClass == .freeze, let state else {
                throw error
            }
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
        options: TransferOptions
    ) throws(RootcellarError) {
        let clock = ClockFloor(now: now, lastSigned: state?.signedAt)
        let session = try HTTPSession(server: pin.address, options: options)
        let documents = SignedDocuments(now: clock.effective)
        let chain = RootChain(session: session, documents: documents, server: pin)
        let objects = ObjectStore(layout)
        var link: RootChain.Link
        if let known = try Self.knownRoot(state, pin) {
            link = known
        } else {
            link = try chain.advance(chain.firstContact())
        }
        let url = pin.address.url(of: TreePath.pointer)
        let answer = try session.get(
            TreePath.pointer,
            limit: SignedFile.Kind.pointer.limit,
            etag: state?.etag
        )
        var bytes: [UInt8]
        var etag = state?.etag
        switch answer {
        case .found(let found, let tag): (bytes, etag) = (found, tag)
        case .notModified: bytes = Array((state?.pointer ?? "").utf8)
        case .missing:
            throw RootcellarError(
                .transport,
                "no pointer here",
                subject: url,
                hint: "check the address; this may be another kind of server"
            )
        }
        let file = try SignedFile(reading: bytes, kind: .pointer, subject: url)
        let isKnown = state.map { Array($0.pointer.utf8) == bytes } ?? false
        if !isKnown {
            do throws(RootcellarError) {
                _ = try documents.verify(file, kind: .pointer, by: link.document, subject: url)
            } catch {
                // The keys may have been rotated since: then a newer root document says so.
                guard error.errorClass == .signature else { throw error }
                let newer = try chain.advance(link)
                guard newer.document.version > link.document.version else { throw error }
                link = newer
                _ = try documents.verify(file, kind: .pointer, by: link.document, subject: url)
            }
        }
        var pointer = try Pointer(verified: file.payload, subject: url)
        if pointer.root > link.document.version {
            link = try chain.advance(link, to: pointer.root)
            _ = try documents.verify(file, kind: .pointer, by: link.document, subject: url)
            pointer = try Pointer(verified: file.payload, subject: url)
        }
        try Self.check(pointer, against: state, root: link.document, clock: clock, url: url)
        let manifest = try Self.manifest(
            pointer,
            root: link.document,
            state: state,
            session: session,
            documents: documents,
            objects: objects,
            pin: pin
        )
        try clock.check(validUntil: manifest.validUntil, what: "manifest", subject: pin.address.url)
        let next = ServerState(
            server: link.document.server,
            pins: pin.fingerprints,
            root: String(decoding: link.file, as: UTF8.self),
            pointer: String(decoding: bytes, as: UTF8.self),
            etag: etag,
            manifest: pointer.manifest,
            signedAt: max(pointer.signedAt, state?.signedAt ?? pointer.signedAt)
        )
        if !isKnown || state?.root != next.root || state?.etag != etag {
            try layout.writeState(next, of: pin.stateName)
        }
        self.manifest = manifest
        self.pointer = pointer
        root = link.document
        self.session = session
        offline = nil
        self.pin = pin
        self.objects = objects
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
        session = nil
        offline = reason
        self.pin = pin
        self.objects = objects
    }

    /// A document of the tree by size and hash, from the cache or the server.
    ///
    /// - Throws: `TRANSPORT`, `SIZE` or `HASH`.
    package func bytes(_ path: String, _ reference: FileReference, limit: Int) throws(RootcellarError) -> [UInt8] {
        let url = pin.address.url(of: path)
        guard reference.size <= limit else {
            throw RootcellarError(.size, "\(reference.size) bytes signed where \(limit) are the most", subject: url)
        }
        if let bytes = try objects.read(reference) { return bytes }
        guard let session else { throw offline ?? RootcellarError(.transport, "no connection", subject: url) }
        let bytes = try Self.fetch(path, reference, session: session, url: url)
        try objects.write(bytes, as: reference)
        return bytes
    }

    // MARK: - The way down

    private static func knownRoot(_ state: ServerState?, _ pin: PinnedServer) throws(RootcellarError) -> RootChain.Link?
    {
        guard let state, state.pins == pin.fingerprints else { return nil }
        let bytes = Array(state.root.utf8)
        let file = try SignedFile(reading: bytes, kind: .root, subject: "remembered root document")
        return RootChain.Link(
            document: try RootDocument(verified: file.payload, subject: "remembered root document"),
            file: bytes
        )
    }

    private static func check(
        _ pointer: Pointer,
        against state: ServerState?,
        root: RootDocument,
        clock: ClockFloor,
        url: String
    ) throws(RootcellarError) {
        guard pointer.server == root.server else {
            throw RootcellarError(
                .binding,
                "a pointer of '\(pointer.server)' where '\(root.server)' is pinned",
                subject: url
            )
        }
        guard pointer.root == root.version else {
            throw RootcellarError(
                .rollback,
                "the pointer is from the time of root document \(pointer.root), in force is \(root.version)",
                subject: url
            )
        }
        if let state, state.server == pointer.server {
            guard pointer.manifest.version >= state.manifest.version else {
                throw RootcellarError(
                    .rollback,
                    "manifest \(pointer.manifest.version) is offered, \(state.manifest.version) was seen before",
                    subject: url,
                    hint: "this server or mirror is behind, or somebody replays its past"
                )
            }
            guard pointer.manifest.version > state.manifest.version || pointer.manifest == state.manifest else {
                throw RootcellarError(
                    .rollback,
                    "two different manifests have the version \(pointer.manifest.version)",
                    subject: url,
                    hint: "tell the server's operator: its key signed both"
                )
            }
        }
        try clock.check(signedAt: pointer.signedAt, what: "pointer", subject: url)
        try clock.check(validUntil: root.expires, what: "root document", subject: url)
        try clock.check(validUntil: pointer.validUntil, what: "pointer", subject: url)
    }

    private static func manifest(
        _ pointer: Pointer,
        root: RootDocument,
        state: ServerState?,
        session: HTTPSession,
        documents: SignedDocuments,
        objects: ObjectStore,
        pin: PinnedServer
    ) throws(RootcellarError) -> Manifest {
        let reference = pointer.manifest.file
        let path = TreePath.manifest(pointer.manifest.version)
        let url = pin.address.url(of: path)
        // Only what was verified is remembered as the state's manifest, and objects are checked by hash when read.
        if let state, state.manifest == pointer.manifest, let bytes = try objects.read(reference) {
            return try Manifest(
                verified: SignedFile(reading: bytes, kind: .manifest, subject: url).payload,
                subject: url
            )
        }
        guard reference.size <= SignedFile.Kind.manifest.limit else {
            throw RootcellarError(.size, "a manifest of \(reference.size) bytes", subject: url)
        }
        let bytes = try fetch(path, reference, session: session, url: url)
        let file = try SignedFile(reading: bytes, kind: .manifest, subject: url)
        let payload = try documents.verify(file, kind: .manifest, by: root, subject: url)
        let manifest = try Manifest(verified: payload, subject: url)
        guard manifest.server == pointer.server, manifest.version == pointer.manifest.version else {
            throw RootcellarError(
                .binding,
                "the manifest is '\(manifest.server)' \(manifest.version), the pointer says"
                    + " '\(pointer.server)' \(pointer.manifest.version)",
                subject: url
            )
        }
        try objects.write(bytes, as: reference)
        return manifest
    }

    private static func fetch(
        _ path: String,
        _ reference: FileReference,
        session: HTTPSession,
        url: String
    ) throws(RootcellarError) -> [UInt8] {
        guard
            case .found(let bytes, _) = try session.get(
                path,
                limit: reference.size,
                exactSize: reference.size
            )
        else {
            throw RootcellarError(
                .transport,
                "a file that is signed as published is not there",
                subject: url,
                hint: "the server or mirror may be in the middle of an update; try again"
            )
        }
        try reference.check(bytes, subject: url)
        return bytes
    }
}
