// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import OpenPGP
import SystemPackage

/// Signs the documents of a tree by their roles' keys, and believes no signature, its own included, that a client would
/// not accept.
///
/// It takes whole documents only, never bytes: version and validity are checked here against what is in force and against
/// what these keys have signed before, files that a document names are hashed once more, and a line of the audit log is
/// on the disk before there is a signature.
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
        guard root.expires <= (try validity.end(of: .root, signedAt: now)) else {
            throw try tooLong(.root, root.server)
        }
        let before = previous?.root
        guard try root.version > keys.signed(for: root.server).root || root.version == 1 else {
            throw try refused(
                "root document \(root.version) after \(keys.signed(for: root.server).root)",
                root.server,
                hint: "the tree is older than what these keys have signed: bring the newest one back"
            )
        }
        guard root.version == (before?.version ?? 0) + 1, before.map({ $0.server == root.server }) ?? true else {
            throw try refused("root document \(root.version) after \(before?.version ?? 0)", root.server)
        }
        let what = "root document \(root.version) of '\(root.server)' until \(root.expires)"
        let bytes = try sign(root, .root, what, by: [root] + (before.map { [$0] } ?? []))
        _ = try TreeVerifier(root: root, now: now).payload(of: bytes, kind: .root, subject: "new root document")
        _ = try previous?.payload(of: bytes, kind: .root, subject: "new root document")
        return bytes
    }

    /// A signed manifest.
    ///
    /// - Parameter files: where the new files are that it names, by hash; each is read and hashed again.
    /// - Throws: `POLICY` if its version does not follow `previous`, these keys have signed it or a newer one before, or
    ///   it is valid for too long; `SIZE` or `HASH` if a file is not what it names.
    func sign(
        _ manifest: Manifest,
        after previous: Int,
        verifier: TreeVerifier,
        naming files: [SHA256Digest: FilePath] = [:]
    ) throws(RootcellarError) -> [UInt8] {
        guard manifest.version == previous + 1, manifest.version < 1 << 53 else {
            throw try refused("manifest \(manifest.version) after \(previous)", manifest.server)
        }
        let signed = try keys.signed(for: manifest.server).manifest
        // An empty tree that was lost may be begun again: nobody has anything of it.
        guard manifest.version > signed || (manifest.version == 1 && signed == 1) else {
            throw try refused(
                "manifest \(manifest.version) after \(signed)",
                manifest.server,
                hint: "the tree is older than what these keys have published: bring the newest one back"
            )
        }
        guard manifest.validUntil <= (try validity.end(of: .manifest, signedAt: manifest.signedAt)) else {
            throw try tooLong(.manifest, manifest.server)
        }
        for (distribution, reference) in manifest.indexes {
            guard let path = files[reference.sha256] else { continue }
            try reference.check(Disk.read(path, limit: max(reference.size, 0)), subject: "index of \(distribution)")
        }
        let what = "manifest \(manifest.version) of '\(manifest.server)' until \(manifest.validUntil)"
        return try sign(manifest, .manifest, what, verifier: verifier)
    }

    /// A signed pointer.
    ///
    /// - Throws: `POLICY` if it names an older manifest than `previous`, or is valid for too long.
    func sign(
        _ pointer: Pointer,
        after previous: Int,
        verifier: TreeVerifier
    ) throws(RootcellarError) -> [UInt8] {
        let signed = try max(previous, keys.signed(for: pointer.server).manifest)
        let isNew = pointer.manifest.version == 1 && signed <= 1
        guard pointer.manifest.version >= signed || isNew else {
            throw try refused("a pointer to manifest \(pointer.manifest.version) after \(signed)", pointer.server)
        }
        guard pointer.validUntil <= (try validity.end(of: .pointer, signedAt: pointer.signedAt)) else {
            throw try tooLong(.pointer, pointer.server)
        }
        let what = "pointer to manifest \(pointer.manifest.version) of '\(pointer.server)' until \(pointer.validUntil)"
        return try sign(pointer, .pointer, what, verifier: verifier)
    }

    /// Puts down that older clients' forms of a build or an index are about to be signed.
    func audit(_ what: String, by key: Fingerprint) throws(RootcellarError) {
        try keys.audit.append("sign \(what) by \(key)", now: now)
    }

    private func sign(
        _ document: some Document,
        _ kind: SignedFile.Kind,
        _ what: String,
        verifier: TreeVerifier
    ) throws(RootcellarError) -> [UInt8] {
        let bytes = try sign(document, kind, what, by: [verifier.root])
        _ = try verifier.payload(of: bytes, kind: kind, subject: "new \(kind.rawValue)")
        return bytes
    }

    /// Signed by as many keys of the role as each of `roots` asks for.
    private func sign(
        _ document: some Document,
        _ kind: SignedFile.Kind,
        _ what: String,
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
        let names = signers.map(\.hex).joined(separator: " ")
        try keys.audit.append("sign \(what) sha256 \(SHA256Digest(hashing: payload)) by \(names)", now: now)
        var signatures: [UInt8] = []
        for signer in signers { signatures += try home.sign(message, by: signer) }
        return SignedFile(payload: payload, signatures: signatures).bytes
    }

    private func tooLong(_ kind: SignedFile.Kind, _ server: String) throws(RootcellarError) -> RootcellarError {
        try refused("a \(kind.rawValue) that is valid for too long", server)
    }

    /// A refusal, which is in the audit log as well.
    private func refused(
        _ what: String,
        _ server: String,
        hint: String? = nil
    ) throws(RootcellarError) -> RootcellarError {
        try keys.audit.append("refuse \(what) of '\(server)'", now: now)
        return RootcellarError(.policy, "refusing to sign \(what)", subject: server, hint: hint)
    }
}
