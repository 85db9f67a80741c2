// SPDX-License-Identifier: Apache-2.0

package import Model

/// Finds the root document in force: from a pinned fingerprint at first contact, then version by version, each signed by
/// the keys of the one before and by its own.
package struct RootChain {
    /// A root document and the file it came in.
    package struct Link: Sendable {
        package var document: RootDocument
        package var file: [UInt8]
    }

    /// The most versions that one run walks.
    static let mostSteps = 32

    let source: any DocumentSource
    let documents: SignedDocuments
    let pin: ServerPin

    /// The first version that a pinned key has signed.
    ///
    /// - Throws: `SIGNATURE` if none has.
    func firstContact() throws(RootcellarError) -> Link {
        for version in 1...Self.mostSteps {
            let keysPath = TreePath.rootKeys(version)
            guard
                case .found(let keys, _) = try source.get(
                    keysPath,
                    limit: SignedFile.Kind.root.limit,
                    exactSize: nil,
                    etag: nil
                )
            else { break }
            let subject = source.url(of: keysPath)
            let primaries = try PublicKeyBlock.primaryFingerprints(keys, subject: subject)
            let pinned = Set(primaries).intersection(pin.fingerprints)
            guard !pinned.isEmpty else { continue }
            guard let bytes = try fetch(version) else { break }
            let path = source.url(of: TreePath.root(version))
            let file = try SignedFile(reading: bytes, kind: .root, subject: path)
            // Parsed only now that a pinned key vouches for it; then it has to satisfy its own threshold as well.
            let payload = try documents.verify(
                file,
                kind: .root,
                blocks: [keys],
                holding: Set(primaries),
                by: pinned,
                threshold: 1,
                subject: path
            )
            let document = try RootDocument(verified: payload, subject: path)
            _ = try documents.verify(file, kind: .root, by: document, subject: path)
            try check(document, version: version, path: path)
            return Link(document: document, file: bytes)
        }
        throw RootcellarError(
            .signature,
            "no root document of this server is signed by a pinned key",
            subject: source.address,
            hint: "compare the fingerprint with the one that its operator published"
        )
    }

    /// The newest root document after `link`, up to `version` if one is named.
    func advance(_ link: Link, to version: Int? = nil) throws(RootcellarError) -> Link {
        var link = link
        for _ in 0..<Self.mostSteps where version.map({ link.document.version < $0 }) ?? true {
            let next = link.document.version + 1
            guard let bytes = try fetch(next) else {
                guard version == nil else {
                    throw RootcellarError(
                        .binding,
                        "the pointer names root document \(version ?? 0), which is not there",
                        subject: source.address
                    )
                }
                break
            }
            let path = source.url(of: TreePath.root(next))
            let file = try SignedFile(reading: bytes, kind: .root, subject: path)
            let payload = try documents.verify(file, kind: .root, by: link.document, subject: path)
            let document = try RootDocument(verified: payload, subject: path)
            _ = try documents.verify(file, kind: .root, by: document, subject: path)
            try check(document, version: next, path: path)
            link = Link(document: document, file: bytes)
        }
        return link
    }

    private func fetch(_ version: Int) throws(RootcellarError) -> [UInt8]? {
        guard
            case .found(let bytes, _) = try source.get(
                TreePath.root(version),
                limit: SignedFile.Kind.root.limit,
                exactSize: nil,
                etag: nil
            )
        else { return nil }
        return bytes
    }

    private func check(_ document: RootDocument, version: Int, path: String) throws(RootcellarError) {
        guard document.version == version else {
            throw RootcellarError(
                .rollback,
                "root document \(document.version) in the place of \(version)",
                subject: path
            )
        }
        if let id = pin.id, id != document.server {
            throw RootcellarError(
                .binding,
                "the server calls itself '\(document.server)', pinned is '\(id)'",
                subject: path
            )
        }
        _ = try ImageName.part("server id", document.server)
    }
}
