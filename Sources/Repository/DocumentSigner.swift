// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP

/// Signs the documents of a tree by their roles' keys, and believes no signature, its own included, that a client would
/// not accept.
///
/// It takes whole documents only, never bytes: version and validity are checked here against what is in force.
struct DocumentSigner {
    let keys: KeyStore
    let home: KeyHome
    let validity: Validity
    let now: Timestamp

    /// A signed root document: by its own keys, and by those of the one before if there is one.
    ///
    /// - Throws: `POLICY` if it does not follow `previous` or is valid for too long; `SIGNATURE` if too few of the keys
    ///   are here.
    func sign(_ root: RootDocument, after previous: TreeVerifier? = nil) throws(RootcellarError) -> [UInt8] {
        guard root.expires <= (try validity.end(of: .root, signedAt: now)) else { throw tooLong(.root) }
        let before = previous?.root
        guard root.version == (before?.version ?? 0) + 1, before.map({ $0.server == root.server }) ?? true else {
            throw RootcellarError(
                .policy,
                "refusing to sign root document \(root.version) after \(before?.version ?? 0)",
                subject: root.server
            )
        }
        let bytes = try sign(root, .root, by: [root] + (before.map { [$0] } ?? []))
        _ = try TreeVerifier(root: root, now: now).payload(of: bytes, kind: .root, subject: "new root document")
        _ = try previous?.payload(of: bytes, kind: .root, subject: "new root document")
        return bytes
    }

    /// A signed manifest.
    ///
    /// - Throws: `POLICY` if its version does not follow `previous`, or it is valid for too long.
    func sign(
        _ manifest: Manifest,
        after previous: Int,
        verifier: TreeVerifier
    ) throws(RootcellarError) -> [UInt8] {
        guard manifest.version == previous + 1, manifest.version < 1 << 53 else {
            throw RootcellarError(
                .policy,
                "refusing to sign manifest \(manifest.version) after \(previous)",
                subject: manifest.server
            )
        }
        guard manifest.validUntil <= (try validity.end(of: .manifest, signedAt: manifest.signedAt)) else {
            throw tooLong(.manifest)
        }
        return try sign(manifest, .manifest, verifier: verifier)
    }

    /// A signed pointer.
    ///
    /// - Throws: `POLICY` if it names an older manifest than `previous`, or is valid for too long.
    func sign(
        _ pointer: Pointer,
        after previous: Int,
        verifier: TreeVerifier
    ) throws(RootcellarError) -> [UInt8] {
        guard pointer.manifest.version >= previous else {
            throw RootcellarError(
                .policy,
                "refusing to point to manifest \(pointer.manifest.version) after \(previous)",
                subject: pointer.server
            )
        }
        guard pointer.validUntil <= (try validity.end(of: .pointer, signedAt: pointer.signedAt)) else {
            throw tooLong(.pointer)
        }
        return try sign(pointer, .pointer, verifier: verifier)
    }

    private func sign(
        _ document: some Document,
        _ kind: SignedFile.Kind,
        verifier: TreeVerifier
    ) throws(RootcellarError) -> [UInt8] {
        let bytes = try sign(document, kind, by: [verifier.root])
        _ = try verifier.payload(of: bytes, kind: kind, subject: "new \(kind.rawValue)")
        return bytes
    }

    /// Signed by as many keys of the role as each of `roots` asks for.
    private func sign(
        _ document: some Document,
        _ kind: SignedFile.Kind,
        by roots: [RootDocument]
    ) throws(RootcellarError) -> [UInt8] {
        let payload = try document.canonicalBytes()
        let message = SignedFile.signedBytes(kind: kind, payload: payload)
        var signers: [Fingerprint] = []
        for root in roots {
            let wanted = try root.keys(of: Role(signing: kind))
            let here = try keys.signers(Role(signing: kind), in: root)
            let chosen = here.count <= wanted.threshold ? here : here.filter(home.canSign)
            guard chosen.count >= wanted.threshold else {
                throw RootcellarError(
                    .signature,
                    "\(wanted.threshold) keys of the role '\(Role(signing: kind).rawValue)' have to sign,"
                        + " \(chosen.count) are in \(keys.directory)",
                    subject: root.server
                )
            }
            for key in chosen.prefix(wanted.threshold) where !signers.contains(key) { signers.append(key) }
        }
        var signatures: [UInt8] = []
        for signer in signers { signatures += try home.sign(message, by: signer) }
        return SignedFile(payload: payload, signatures: signatures).bytes
    }

    private func tooLong(_ kind: SignedFile.Kind) -> RootcellarError {
        RootcellarError(.policy, "refusing to sign a \(kind.rawValue) that is valid for too long", subject: keys.name)
    }
}
