// SPDX-License-Identifier: Apache-2.0

package import Model

/// Decides whether the keys of a root document have signed a file.
package struct SignedDocuments: Sendable {
    /// The moment that all checks of a run share, not before the floor.
    package var now: Timestamp
    /// Keys whose signatures count for nothing, whoever names them.
    package var denied: Set<Fingerprint> = []

    /// A judge of files.
    package init(now: Timestamp, denied: Set<Fingerprint> = []) {
        self.now = now
        self.denied = denied
    }

    /// Verifies a file by the keys that `root` names for its kind, and gives back the payload.
    ///
    /// - Throws: `SIGNATURE`, or `CLOCK` for a signature from the future.
    package func verify(
        _ file: SignedFile,
        kind: SignedFile.Kind,
        by root: RootDocument,
        subject: String
    ) throws(RootcellarError) -> [UInt8] {
        let keys = try root.keys(of: Role(signing: kind))
        let wanted = Set(keys.fingerprints)
        var blocks: [[UInt8]] = []
        for text in root.publicKeys {
            let block = Array(text.utf8)
            let primaries = try PublicKeyBlock.primaryFingerprints(block, subject: "root document \(root.version)")
            if primaries.contains(where: wanted.contains) { blocks.append(block) }
        }
        return try verify(
            file,
            kind: kind,
            blocks: blocks,
            holding: wanted,
            by: wanted,
            threshold: keys.threshold,
            subject: subject
        )
    }

    /// Verifies a file by given keys: `blocks` hold exactly the keys `all`, of which those of `allowed` count.
    package func verify(
        _ file: SignedFile,
        kind: SignedFile.Kind,
        blocks: [[UInt8]],
        holding all: Set<Fingerprint>,
        by allowed: Set<Fingerprint>,
        threshold: Int,
        subject: String
    ) throws(RootcellarError) -> [UInt8] {
        // Once more inside, but there gpg has been started: what has not the form of signatures never gets so far.
        _ = try SignaturePackets.check(file.signatures, subject: subject)
        let verifier = try Verifier(publicKeys: blocks, expecting: all)
        _ = try verifier.verify(
            SignedFile.signedBytes(kind: kind, payload: file.payload),
            signatures: file.signatures,
            by: allowed.subtracting(denied),
            threshold: threshold,
            now: now,
            subject: subject
        )
        return file.payload
    }
}
