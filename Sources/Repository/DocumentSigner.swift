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

    /// A signed root document.
    ///
    /// - Throws: `POLICY` if it is valid for too long; `SIGNATURE` if it cannot be signed.
    func sign(_ root: RootDocument) throws(RootcellarError) -> [UInt8] {
        guard root.expires <= (try validity.end(of: .root, signedAt: now)) else { throw tooLong(.root) }
        return try sign(root, .root, verifier: TreeVerifier(root: root, now: now))
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
        let payload = try document.canonicalBytes()
        let signature = try home.sign(
            SignedFile.signedBytes(kind: kind, payload: payload),
            by: keys.fingerprint(Role(signing: kind))
        )
        let bytes = SignedFile(payload: payload, signatures: signature).bytes
        _ = try verifier.payload(of: bytes, kind: kind, subject: "new \(kind.rawValue)")
        return bytes
    }

    private func tooLong(_ kind: SignedFile.Kind) -> RootcellarError {
        RootcellarError(.policy, "refusing to sign a \(kind.rawValue) that is valid for too long", subject: keys.name)
    }
}
