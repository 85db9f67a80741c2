// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import FoundationEssentials
import Model
import OpenPGP
import SystemPackage

/// How a distribution vouches for a file.
enum SourceProof {
    /// A detached signature over the file itself.
    case signature(String)
    /// A list of checksums with a detached signature.
    case list(String, ChecksumList.Algorithm, signature: String)
    /// A list of checksums inside of a signed message.
    case signedList(String, ChecksumList.Algorithm)
    /// A list of checksums that nobody signs: it shows damage, and nothing else.
    case plainList(String, ChecksumList.Algorithm)

    var isSigned: Bool {
        if case .plainList = self { return false }
        return true
    }
}

extension SourceFetch {
    private var skips: Bool { context.definition.definition.source.skipVerification }

    /// Whether a file can be verified at all, before it is fetched.
    ///
    /// - Throws: `SOURCE` if nothing could vouch for it, and the definition does not say that this is accepted.
    func expectProof(_ proofs: [SourceProof]) throws(RootcellarError) {
        let source = context.definition.definition.source
        let canVerify =
            !keys.pins.isEmpty || (!(keys.blocks.isEmpty && keys.signify.isEmpty) && proofs.contains(where: \.isSigned))
        guard !canVerify, !skips else { return }
        let isSigned = proofs.contains(where: \.isSigned)
        throw RootcellarError(
            .source,
            isSigned ? "no key is given to verify the source with" : "this source is signed by nobody",
            subject: "\(source.downloaderPosition)",
            hint: (isSigned ? "put the distribution's public key into source.keys, or" : "put")
                + " a pinned sha256:HEX into source.keys; or accept it with skip_verification: true, which taints the image"
        )
    }

    /// Finds out whether a file is what it should be: a pinned hash, or the first of the proofs that is there.
    ///
    /// - Throws: `SOURCE` if it is not, or if no proof is there.
    func verify(_ file: FetchedFile, _ proofs: [SourceProof]) throws(RootcellarError) {
        try context.log.step("verify \(file.name)") { () throws(RootcellarError) in try judge(file, proofs) }
    }

    private func judge(_ file: FetchedFile, _ proofs: [SourceProof]) throws(RootcellarError) {
        if !keys.pins.isEmpty {
            if keys.pins.contains(file.sha256) { return record(file.name, verifiedBy: "the pinned hash") }
            guard !keys.blocks.isEmpty || !keys.signify.isEmpty else {
                throw RootcellarError(.source, "its SHA-256 \(file.sha256) is not the pinned one", subject: file.name)
            }
        }
        guard keys.blocks.isEmpty, keys.signify.isEmpty else {
            for proof in proofs where proof.isSigned {
                if let words = try verified(file, proof) { return record(file.name, verifiedBy: words) }
            }
            throw RootcellarError(.source, "there is no signature for it", subject: file.name)
        }
        guard skips else {
            throw RootcellarError(.source, "nothing vouches for it", subject: file.name)
        }
        for case .plainList(let path, let algorithm) in proofs {
            guard let bytes = try small(path) else { continue }
            try compare(file, ChecksumList(String(decoding: bytes, as: UTF8.self)), path, algorithm)
            break
        }
        taint(file.name)
    }

    /// How the proof vouches for the file, in words; nil if there is no such proof.
    private func verified(_ file: FetchedFile, _ proof: SourceProof) throws(RootcellarError) -> String? {
        switch proof {
        case .signature(let path):
            guard let signature = try small(path) else { return nil }
            let signers = try Self.sourcing { () throws(RootcellarError) in
                try verifier().verify(
                    file: file.descriptor,
                    signatures: signature,
                    by: keys.fingerprints,
                    threshold: 1,
                    now: Self.now,
                    subject: url(path)
                )
            }
            return words(signers)
        case .list(let path, let algorithm, let signaturePath):
            guard let signature = try small(signaturePath), let bytes = try small(path) else { return nil }
            let words: String
            if !keys.signify.isEmpty, SignifySignature.looksLikeOne(signature) {
                words = try SignifySignature.verify(bytes, signature, keys: keys.signify, subject: url(signaturePath))
            } else {
                let signers = try Self.sourcing { () throws(RootcellarError) in
                    try verifier().verify(
                        bytes,
                        signatures: signature,
                        by: keys.fingerprints,
                        threshold: 1,
                        now: Self.now,
                        subject: url(signaturePath)
                    )
                }
                words = self.words(signers)
            }
            try compare(file, ChecksumList(String(decoding: bytes, as: UTF8.self)), path, algorithm)
            return "\(words) over \(path.split(separator: "/").last ?? "")"
        case .signedList(let path, let algorithm):
            guard let message = try small(path), CleartextMessage.looksLikeOne(message) else { return nil }
            let (text, signers) = try Self.sourcing { () throws(RootcellarError) in
                let parsed = try CleartextMessage(message, subject: url(path))
                return (
                    parsed.text,
                    try verifier().verify(parsed, by: keys.fingerprints, now: Self.now, subject: url(path))
                )
            }
            try compare(file, ChecksumList(text), path, algorithm)
            return "\(words(signers)) in \(path.split(separator: "/").last ?? "")"
        case .plainList:
            return nil
        }
    }

    private func words(_ signers: [AcceptedSignature]) -> String {
        "signed by \(signers.map(\.primary.hex).joined(separator: ", "))"
    }

    private static var now: Timestamp { Timestamp(seconds: Int64(Date.now.timeIntervalSince1970)) }

    private func verifier() throws(RootcellarError) -> Verifier {
        try Verifier(
            publicKeys: keys.blocks,
            expecting: keys.fingerprints,
            limit: PublicKeyBlock.distributionSizeLimit
        )
    }

    private func compare(
        _ file: FetchedFile,
        _ list: ChecksumList,
        _ path: String,
        _ algorithm: ChecksumList.Algorithm
    ) throws(RootcellarError) {
        guard let sum = list.sum(of: file.name, algorithm) else {
            throw RootcellarError(.source, "the list of checksums does not name \(file.name)", subject: url(path))
        }
        guard sum == file.digest(algorithm) else {
            throw RootcellarError(
                .source,
                "it is not the file that the list of checksums names: \(algorithm.rawValue) \(file.digest(algorithm))",
                subject: file.name,
                hint: "the mirror is out of step, or somebody changed the file"
            )
        }
    }
}
