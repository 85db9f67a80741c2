// SPDX-License-Identifier: Apache-2.0

import CGPGME
import Model

/// What the engine said about one signature.
struct SignatureFinding: Sendable {
    /// The fingerprint of the key or subkey; a key id where the engine knows no more.
    var signer: String
    var code: gpgme_err_code_t
    var words: String
    var summary: UInt32
    var made: Int64
    var isWrongUsage: Bool
    var hash: gpgme_hash_algo_t
    var algorithm: gpgme_pubkey_algo_t
}

extension EngineContext {
    /// What the last verification found, in the order of the signatures.
    func verifyResult() -> [SignatureFinding] {
        var findings: [SignatureFinding] = []
        try? perform("", subject: "") { raw in
            var next = unsafe gpgme_op_verify_result(raw.pointer)?.pointee.signatures
            while let signature = unsafe next {
                let value = unsafe signature.pointee
                unsafe findings.append(
                    SignatureFinding(
                        signer: value.fpr.map { unsafe String(cString: $0) } ?? "?",
                        code: gpgme_err_code(value.status),
                        words: errorText(value.status),
                        summary: value.summary.rawValue,
                        made: Int64(value.timestamp),
                        isWrongUsage: value.wrong_key_usage != 0,
                        hash: value.hash_algo,
                        algorithm: value.pubkey_algo
                    )
                )
                unsafe next = value.next
            }
            return 0
        }
        return findings
    }
}

/// Decides which signatures count. "No error" of the engine means nothing by itself: it is also said of expired and
/// revoked keys, of signatures from the future, and of none at all.
struct SignatureJudge {
    let keys: KeyRing
    let allowed: Set<Fingerprint>
    let now: Timestamp
    let subject: String

    private static let badBits: UInt32 = [
        GPGME_SIGSUM_RED, GPGME_SIGSUM_KEY_REVOKED, GPGME_SIGSUM_KEY_EXPIRED, GPGME_SIGSUM_SIG_EXPIRED,
        GPGME_SIGSUM_KEY_MISSING, GPGME_SIGSUM_CRL_MISSING, GPGME_SIGSUM_CRL_TOO_OLD, GPGME_SIGSUM_BAD_POLICY,
        GPGME_SIGSUM_SYS_ERROR, GPGME_SIGSUM_TOFU_CONFLICT,
    ].reduce(0) { $0 | $1.rawValue }

    /// - Throws: `SIGNATURE` or `CLOCK`.
    func accept(
        _ findings: [SignatureFinding],
        threshold: Int
    ) throws(RootcellarError) -> [AcceptedSignature] {
        guard threshold >= 1 else {
            throw RootcellarError(.signature, "a threshold of \(threshold) would accept anything", subject: subject)
        }
        var counted: [Fingerprint: AcceptedSignature] = [:]
        var strangers: [String] = []
        for finding in findings {
            guard let accepted = try judge(finding), allowed.contains(accepted.primary) else {
                strangers.append(finding.signer)
                continue
            }
            if let other = counted[accepted.primary], other.made >= accepted.made { continue }
            counted[accepted.primary] = accepted
        }
        guard counted.count >= threshold else {
            let by =
                strangers.isEmpty ? "" : "; signed by \(strangers.joined(separator: ", ")), which may not sign this"
            throw RootcellarError(
                .signature,
                "\(counted.count) of the \(threshold) needed keys signed\(by)",
                subject: subject,
                hint: "allowed: \(allowed.sorted().map(\.hex).joined(separator: ", "))"
            )
        }
        return counted.values.sorted { $0.primary < $1.primary }
    }

    /// Nil for a signature by an unknown key, which proves nothing either way.
    private func judge(_ finding: SignatureFinding) throws(RootcellarError) -> AcceptedSignature? {
        func refuse(_ why: String, hint: String? = nil) -> RootcellarError {
            RootcellarError(.signature, "signature by \(finding.signer): \(why)", subject: subject, hint: hint)
        }
        switch finding.code {
        case GPG_ERR_NO_ERROR: break
        case GPG_ERR_NO_PUBKEY: return nil
        case GPG_ERR_KEY_EXPIRED:
            throw refuse("the key has expired", hint: "get the publisher's renewed key; if there is none, ask for it")
        case GPG_ERR_CERT_REVOKED: throw refuse("the key was revoked", hint: "get the publisher's new key")
        case GPG_ERR_SIG_EXPIRED: throw refuse("the signature has expired")
        case GPG_ERR_DIGEST_ALGO, GPG_ERR_WEAK_KEY: throw refuse("\(finding.words); weak algorithms are not accepted")
        default: throw refuse(finding.words)
        }
        guard finding.summary & Self.badBits == 0 else { throw refuse("gpg's verdict is bad (\(finding.summary))") }
        guard !finding.isWrongUsage else { throw refuse("the key is not meant for signing") }
        guard [GPGME_MD_SHA256, GPGME_MD_SHA384, GPGME_MD_SHA512].contains(finding.hash) else {
            throw refuse("weak hash algorithm")
        }
        guard let signer = try? Fingerprint(finding.signer), let key = keys.keys[signer] else {
            throw refuse("gpg names a key that it was not given")
        }
        switch finding.algorithm {
        case GPGME_PK_EDDSA, GPGME_PK_ECDSA: break
        case GPGME_PK_RSA where (key.rsaBits ?? 0) >= 3072: break
        default: throw refuse("weak key", hint: "Ed25519, ECDSA, or RSA of at least 3072 bits is accepted")
        }
        let made = Timestamp(seconds: finding.made)
        guard made <= now.adding(seconds: Verifier.clockSkew) else {
            throw RootcellarError(
                .clock,
                "signed at \(made), which is in the future: it is \(now) here",
                subject: subject,
                hint: "the local clock or the signer's is wrong"
            )
        }
        return AcceptedSignature(primary: key.primary, made: made)
    }
}
