// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// Verifies files of a tree by the keys of one root document.
final class TreeVerifier {
    let root: RootDocument
    private let verifier: Verifier
    private let now: Timestamp

    /// - Throws: `SIGNATURE` if the document holds other keys than its roles name; `BINDING` for a role without keys.
    init(root: RootDocument, now: Timestamp) throws(RootcellarError) {
        self.root = root
        self.now = now
        var expected: Set<Fingerprint> = []
        for role in Role.allCases { expected.formUnion(try root.keys(of: role).fingerprints) }
        verifier = try Verifier(publicKeys: root.publicKeys.map { Array($0.utf8) }, expecting: expected)
    }

    /// The payload of a signed file, verified by the keys of its role, or by those of `role` if given.
    ///
    /// - Throws: what `SignedFile` and `Verifier` throw.
    func payload(of bytes: [UInt8], kind: SignedFile.Kind, subject: String) throws(RootcellarError) -> [UInt8] {
        let file = try SignedFile(reading: bytes, kind: kind, subject: subject)
        let keys = try root.keys(of: Role(signing: kind))
        _ = try verifier.verify(
            SignedFile.signedBytes(kind: kind, payload: file.payload),
            signatures: file.signatures,
            by: Set(keys.fingerprints),
            threshold: keys.threshold,
            now: now,
            subject: subject
        )
        return file.payload
    }

    /// The result of the first verifier that accepts; the first one's error if none does.
    static func byAny<Result>(
        _ verifiers: [TreeVerifier],
        _ body: (TreeVerifier) throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        var first: RootcellarError?
        for verifier in verifiers {
            do throws(RootcellarError) { return try body(verifier) } catch { first = first ?? error }
        }
        throw first ?? RootcellarError(.internal, "nothing to verify with")
    }

    /// Verifies a detached signature of the release key over a file.
    func release(file: FileDescriptor, signatures: [UInt8], subject: String) throws(RootcellarError) {
        let keys = try root.keys(of: .release)
        _ = try verifier.verify(
            file: file,
            signatures: signatures,
            by: Set(keys.fingerprints),
            threshold: keys.threshold,
            now: now,
            subject: subject
        )
    }

    /// The text that a signature of the release key is wrapped around.
    func release(clearsigned bytes: [UInt8], subject: String) throws(RootcellarError) -> [UInt8] {
        let keys = try root.keys(of: .release)
        return try verifier.clearsigned(
            bytes,
            by: Set(keys.fingerprints),
            threshold: keys.threshold,
            now: now,
            subject: subject
        )
    }

    /// Verifies a detached signature of the release key over bytes.
    func release(_ bytes: [UInt8], signatures: [UInt8], subject: String) throws(RootcellarError) {
        let keys = try root.keys(of: .release)
        _ = try verifier.verify(
            bytes,
            signatures: signatures,
            by: Set(keys.fingerprints),
            threshold: keys.threshold,
            now: now,
            subject: subject
        )
    }
}
