// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP

/// A root document on its way from one holder of a root key to the next, with the one before it and the signatures so
/// far:
///
///     ROOTCELLAR DRAFT 1 LF
///     <bytes of the document, decimal> LF <the document> LF
///     <bytes of the file before, decimal; 0 for the first> LF <that signed file> LF
///     <armored signatures, none at first>
///
/// Nobody takes it for a root document: clients know only the form of `SignedFile`.
package struct RootDraft: Sendable {
    /// What is to be signed.
    package let document: RootDocument
    /// The document that is in force until then, verified by its own keys; nil for the first.
    package let previous: RootDocument?
    let payload: [UInt8]
    let previousFile: [UInt8]
    private(set) var signatures: [UInt8]

    /// The most bytes of a draft.
    package static let limit = 2 * SignedFile.Kind.root.limit
    private static let magic = Array("ROOTCELLAR DRAFT 1\n".utf8)

    init(_ document: RootDocument, after previous: (root: RootDocument, file: [UInt8])?) throws(RootcellarError) {
        self.document = document
        self.previous = previous?.root
        payload = try document.canonicalBytes()
        previousFile = previous?.file ?? []
        signatures = []
    }

    /// Reads a draft. The document is looked at before anybody has signed it, which is what a draft is for; nothing
    /// follows from it but what its reader is told.
    ///
    /// - Throws: `SIZE`, `SIGNATURE` for anything that is no draft or whose former document does not verify, `BINDING`
    ///   if the two do not fit together.
    package init(reading bytes: [UInt8], subject: String, now: Timestamp) throws(RootcellarError) {
        func broken(_ why: String) -> RootcellarError {
            RootcellarError(.signature, "not a draft of a root document (\(why))", subject: subject)
        }
        guard bytes.count <= Self.limit else {
            throw RootcellarError(.size, "a draft has at most \(Self.limit) bytes", subject: subject)
        }
        guard bytes.starts(with: Self.magic) else { throw broken("it does not begin as one") }
        var rest = bytes[Self.magic.count...]
        func section() throws(RootcellarError) -> [UInt8] {
            guard let end = rest.prefix(12).firstIndex(of: 0x0A) else { throw broken("a length is missing") }
            let digits = String(decoding: rest[..<end], as: UTF8.self)
            guard let length = Int(digits), "\(length)" == digits, length >= 0, length < rest.endIndex - end - 1,
                rest[end + 1 + length] == 0x0A
            else { throw broken("a part is not as long as it says") }
            let part = Array(rest[(end + 1)..<(end + 1 + length)])
            rest = rest[(end + 2 + length)...]
            return part
        }
        payload = try section()
        previousFile = try section()
        signatures = Array(rest)
        if !signatures.isEmpty {
            try requireTidy(signatures, subject: subject)
            _ = try SignaturePackets.check(signatures, subject: subject)
        }
        document = try RootDocument(verified: payload, subject: subject)
        guard try document.canonicalBytes() == payload else { throw broken("not in its canonical form") }
        _ = try TreeVerifier(root: document, now: now)
        _ = try ImageName.part("server", document.server)
        guard !previousFile.isEmpty else {
            previous = nil
            guard document.version == 1 else {
                throw RootcellarError(.binding, "the root document before it is missing", subject: subject)
            }
            return
        }
        let file = try SignedFile(reading: previousFile, kind: .root, subject: subject)
        let before = try RootDocument(verified: file.payload, subject: subject)
        _ = try TreeVerifier(root: before, now: now).payload(of: previousFile, kind: .root, subject: subject)
        guard document.version == before.version + 1, document.server == before.server else {
            throw RootcellarError(
                .binding,
                "root document \(document.version) of '\(document.server)' does not follow \(before.version) of"
                    + " '\(before.server)'",
                subject: subject
            )
        }
        previous = before
    }

    /// The whole draft.
    package var bytes: [UInt8] {
        Self.magic + Array("\(payload.count)\n".utf8) + payload + [0x0A] + Array("\(previousFile.count)\n".utf8)
            + previousFile + [0x0A] + signatures
    }

    /// The same draft with the signatures of other copies of it as well.
    ///
    /// - Throws: `BINDING` if they are of another document.
    package func joined(_ others: [RootDraft]) throws(RootcellarError) -> RootDraft {
        var result = self
        for other in others {
            guard other.payload == payload, other.previousFile == previousFile else {
                throw RootcellarError(
                    .binding,
                    "the drafts are of two different root documents",
                    subject: document.server,
                    hint: "sign copies of one draft"
                )
            }
            for block in other.blocks where !result.blocks.contains(block) { result.signatures += block }
        }
        return result
    }

    /// The same draft with one more signature.
    func signed(_ signature: [UInt8]) -> RootDraft {
        var result = self
        result.signatures += signature
        return result
    }

    /// Each signature by itself.
    private var blocks: [[UInt8]] {
        let end = Array("-----END PGP SIGNATURE-----\n".utf8)
        var blocks: [[UInt8]] = []
        var block: [UInt8] = []
        for line in signatures.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
            block += line + [0x0A]
            if block.suffix(end.count) == end[...] {
                blocks.append(block)
                block = []
            }
        }
        return blocks
    }

    /// The root document as it is published, once enough have signed.
    ///
    /// - Throws: `SIGNATURE` saying whose signatures are missing.
    package func signedFile(now: Timestamp) throws(RootcellarError) -> [UInt8] {
        let missing = try missing(now: now)
        guard missing.isEmpty else {
            throw RootcellarError(
                .signature,
                missing.joined(separator: "; "),
                subject: "root document \(document.version) of '\(document.server)'",
                hint: "others have to sign it: rootcellar key sign-root DRAFT --keys KEYS"
            )
        }
        // A signature that counts for nobody would only be in the way of later readers.
        var kept: [UInt8] = []
        var seen: Set<Fingerprint> = []
        for (block, key) in try census(now: now) where seen.insert(key).inserted { kept += block }
        return SignedFile(payload: payload, signatures: kept).bytes
    }

    /// What is still missing, in words; empty if nothing is.
    package func missing(now: Timestamp) throws(RootcellarError) -> [String] {
        let signers = Set(try signers(now: now))
        var missing: [String] = []
        for root in [document] + (previous.map { [$0] } ?? []) {
            let keys = try root.keys(of: .root)
            let count = signers.intersection(keys.fingerprints).count
            guard count < keys.threshold else { continue }
            missing.append(
                "\(count) of \(keys.threshold) signatures by root keys of document \(root.version) are there"
            )
        }
        return missing
    }

    /// Every key that may sign: a root key of this document or of the one before.
    package func allowed() throws(RootcellarError) -> Set<Fingerprint> {
        var keys = Set(try document.keys(of: .root).fingerprints)
        if let previous { keys.formUnion(try previous.keys(of: .root).fingerprints) }
        return keys
    }

    /// Whose signatures are there.
    package func signers(now: Timestamp) throws(RootcellarError) -> [Fingerprint] {
        try census(now: now).map(\.key)
    }

    /// The signatures that are right, and whose they are.
    private func census(now: Timestamp) throws(RootcellarError) -> [(block: [UInt8], key: Fingerprint)] {
        if signatures.isEmpty { return [] }
        let allowed = try allowed()
        var known: Set<Fingerprint> = []
        var publicKeys: [[UInt8]] = []
        for text in document.publicKeys + (previous?.publicKeys ?? []) {
            let block = Array(text.utf8)
            let keys = try PublicKeyBlock.primaryFingerprints(block, subject: "root document")
            guard keys.allSatisfy(allowed.contains), known.isDisjoint(with: keys) else { continue }
            known.formUnion(keys)
            publicKeys.append(block)
        }
        let verifier = try Verifier(publicKeys: publicKeys, expecting: allowed)
        let message = SignedFile.signedBytes(kind: .root, payload: payload)
        var found: [(block: [UInt8], key: Fingerprint)] = []
        for block in blocks {
            do throws(RootcellarError) {
                let accepted = try verifier.verify(
                    message,
                    signatures: block,
                    by: allowed,
                    threshold: 1,
                    now: now,
                    subject: "draft"
                )
                if let key = accepted.first?.primary { found.append((block, key)) }
            } catch {
                // Of somebody else, or of another document: it counts for nothing.
                guard error.errorClass == .signature else { throw error }
            }
        }
        return found
    }
}
