// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model

/// The way down from a pinned fingerprint to the manifest in force, at one address. Nothing is written here but verified
/// objects: what another address shows may be newer.
package struct Descent {
    /// What was found at its end.
    package struct Found {
        package var link: RootChain.Link
        package var pointer: Pointer
        /// The pointer as the file it came in.
        package var pointerFile: [UInt8]
        package var manifest: Manifest
        /// The entity tag of the pointer, and the address that gave it.
        package var etag: String?
        package var address: String
        /// Whether counters were begun anew, because the root keys took away a key that had counted.
        package var isReset: Bool
        /// What the user should know.
        package var notices: [String]
    }

    /// No honest publisher comes here, one publication a millisecond; a thief of keys may, to lock clients out.
    static let mostVersions = 1 << 53
    /// A jump that is worth a word.
    static let wideJump = 1_000_000

    private let pin: ServerPin
    private let state: ServerState?
    private let clock: ClockFloor
    private let documents: SignedDocuments
    private let remembered: (FileReference) throws(RootcellarError) -> [UInt8]?
    private let remember: ([UInt8], FileReference) throws(RootcellarError) -> Void
    private let keepEvidence: ([UInt8]) -> Void

    /// - Parameters:
    ///   - state: what was seen of the server before; nil at first contact.
    ///   - remembered: a verified object that is here already, by its hash.
    ///   - remember: keeps a verified object.
    ///   - keepEvidence: keeps what proves that a server has signed two different things.
    package init(
        pin: ServerPin,
        state: ServerState?,
        clock: ClockFloor,
        documents: SignedDocuments,
        remembered: @escaping (FileReference) throws(RootcellarError) -> [UInt8]?,
        remember: @escaping ([UInt8], FileReference) throws(RootcellarError) -> Void,
        keepEvidence: @escaping ([UInt8]) -> Void
    ) {
        self.pin = pin
        self.state = state
        self.clock = clock
        self.documents = documents
        self.remembered = remembered
        self.remember = remember
        self.keepEvidence = keepEvidence
    }

    /// - Throws: the class of the first check that failed.
    package func run(_ source: any DocumentSource) throws(RootcellarError) -> Found {
        let chain = RootChain(source: source, documents: documents, pin: pin)
        let known = try knownRoot()
        var link: RootChain.Link
        if let known { link = known } else { link = try chain.advance(chain.firstContact()) }
        let url = source.url(of: TreePath.pointer)
        var (bytes, etag) = try pointerFile(source, url)
        var pointer = try verified(bytes, &link, chain, url)
        // The root document comes into force with the pointer that follows it: between the two is a moment.
        for _ in 0..<2
        where pointer.root < link.document.version && link.document.version > known?.document.version ?? 0 {
            sleep(1)
            (bytes, etag) = try pointerFile(source, url)
            pointer = try verified(bytes, &link, chain, url)
        }
        let isReset = try hasLostKeys(from: known?.document, to: link.document)
        var notices = try check(pointer, isReset: isReset, root: link.document, file: bytes, url: url)
        if clock.isBehind {
            notices.append(
                "this machine's clock is behind (\(clock.local)), \(clock.effective) is used instead; set it"
            )
        }
        try checkDenied(link.document, url)
        let isSameRoot = known?.document.version == link.document.version
        let manifest = try manifest(pointer, root: link.document, isSameRoot: isSameRoot, source: source)
        try clock.check(validUntil: manifest.validUntil, what: "manifest", subject: source.address)
        return Found(
            link: link,
            pointer: pointer,
            pointerFile: bytes,
            manifest: manifest,
            etag: etag,
            address: source.address,
            isReset: isReset,
            notices: notices
        )
    }

    // MARK: - Root and pointer

    private func knownRoot() throws(RootcellarError) -> RootChain.Link? {
        guard let state, state.pins == pin.fingerprints else { return nil }
        let bytes = Array(state.root.utf8)
        let file = try SignedFile(reading: bytes, kind: .root, subject: "remembered root document")
        return RootChain.Link(
            document: try RootDocument(verified: file.payload, subject: "remembered root document"),
            file: bytes
        )
    }

    private func pointerFile(
        _ source: any DocumentSource,
        _ url: String
    ) throws(RootcellarError) -> (bytes: [UInt8], etag: String?) {
        // An entity tag says something to the server that gave it only.
        let etag = state?.address ?? pin.address == source.address ? state?.etag : nil
        switch try source.get(TreePath.pointer, limit: SignedFile.Kind.pointer.limit, exactSize: nil, etag: etag) {
        case .found(let bytes, let tag): return (bytes, tag)
        case .notModified: return (Array((state?.pointer ?? "").utf8), etag)
        case .missing:
            throw RootcellarError(
                .transport,
                "no pointer here",
                subject: url,
                hint: "check the address; this may be another kind of server"
            )
        }
    }

    /// The pointer, verified by the keys of `link`, which goes on to newer root documents where the pointer asks for it.
    private func verified(
        _ bytes: [UInt8],
        _ link: inout RootChain.Link,
        _ chain: RootChain,
        _ url: String
    ) throws(RootcellarError) -> Pointer {
        let file = try SignedFile(reading: bytes, kind: .pointer, subject: url)
        // What is remembered was verified before it was.
        let isKnown =
            state.map { $0.pointer.utf8.elementsEqual(bytes) && $0.root.utf8.elementsEqual(link.file) } ?? false
        // A key may have been denied since.
        let isSettled = isKnown && pin.denied.isEmpty
        if !isSettled {
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
        let pointer = try Pointer(verified: file.payload, subject: url)
        if pointer.root > link.document.version {
            link = try chain.advance(link, to: pointer.root)
            _ = try documents.verify(file, kind: .pointer, by: link.document, subject: url)
        }
        return pointer
    }

    /// Whether a root document has taken away a key whose word the counters were counted by. Then they are begun anew:
    /// whoever had the key may have run them up to lock us out.
    private func hasLostKeys(from old: RootDocument?, to new: RootDocument) throws(RootcellarError) -> Bool {
        guard let old, new.version > old.version else { return false }
        for role in [Role.release, .freshness] {
            let gone = Set(try old.keys(of: role).fingerprints).subtracting(try new.keys(of: role).fingerprints)
            if !gone.isEmpty { return true }
        }
        return false
    }

    /// - Throws: `SIGNATURE` if a role has too few keys left that this machine has not been told to deny.
    private func checkDenied(_ root: RootDocument, _ url: String) throws(RootcellarError) {
        for role in Role.allCases {
            let keys = try root.keys(of: role)
            let left = keys.fingerprints.count { !pin.denied.contains($0) }
            guard left < keys.threshold else { continue }
            throw RootcellarError(
                .signature,
                "a key of the role '\(role.rawValue)' is denied by this machine's configuration",
                subject: keys.fingerprints.first(where: pin.denied.contains)?.hex ?? url
            )
        }
    }

    private func check(
        _ pointer: Pointer,
        isReset: Bool,
        root: RootDocument,
        file: [UInt8],
        url: String
    ) throws(RootcellarError) -> [String] {
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
        guard (1..<Self.mostVersions).contains(pointer.manifest.version) else {
            throw RootcellarError(
                .rollback,
                "manifest \(pointer.manifest.version) is no version that a publisher comes to",
                subject: url,
                hint: "tell the server's operator: somebody may have his keys"
            )
        }
        var notices: [String] = []
        if !isReset, let state, state.server == pointer.server {
            guard pointer.manifest.version >= state.manifest.version else {
                throw RootcellarError(
                    .rollback,
                    "manifest \(pointer.manifest.version) is offered, \(state.manifest.version) was seen before",
                    subject: url,
                    hint: "this server or mirror is behind, or somebody replays its past"
                )
            }
            guard pointer.manifest.version > state.manifest.version || pointer.manifest == state.manifest else {
                keepEvidence(file)
                throw RootcellarError(
                    .rollback,
                    "two different manifests have the version \(pointer.manifest.version)",
                    subject: url,
                    hint: "tell the server's operator, its key signed both; both pointers are kept in the cache"
                )
            }
            let jump = pointer.manifest.version - state.manifest.version
            if jump > Self.wideJump {
                notices.append(
                    "the server's manifest has gone up by \(jump) versions; ask its operator whether that is right"
                )
            }
        }
        try clock.check(signedAt: pointer.signedAt, what: "pointer", subject: url)
        try clock.check(validUntil: root.expires, what: "root document", subject: url)
        try clock.check(validUntil: pointer.validUntil, what: "pointer", subject: url)
        return notices
    }

    // MARK: - Manifest

    private func manifest(
        _ pointer: Pointer,
        root: RootDocument,
        isSameRoot: Bool,
        source: any DocumentSource
    ) throws(RootcellarError) -> Manifest {
        let reference = pointer.manifest.file
        let path = TreePath.manifest(pointer.manifest.version)
        let url = source.url(of: path)
        // Only what was verified is remembered as the state's manifest, and objects are checked by hash when read.
        if let state, state.manifest == pointer.manifest, isSameRoot, pin.denied.isEmpty,
            let bytes = try remembered(reference)
        {
            return try Manifest(
                verified: SignedFile(reading: bytes, kind: .manifest, subject: url).payload,
                subject: url
            )
        }
        guard reference.size <= SignedFile.Kind.manifest.limit else {
            throw RootcellarError(.size, "a manifest of \(reference.size) bytes", subject: url)
        }
        let bytes = try source.file(path, reference)
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
        try remember(bytes, reference)
        return manifest
    }
}
