// SPDX-License-Identifier: Apache-2.0

import CGPGME
package import Model

extension Verifier {
    /// Verifies a signed text of somebody else's; its signatures are of class 0x01. gpg is given the text alone, in the
    /// form that they cover.
    ///
    /// Parameters, result and errors as for `verify(_:…)`.
    package func verify(
        _ message: CleartextMessage,
        by allowed: Set<Fingerprint>,
        now: Timestamp,
        subject: String
    ) throws(RootcellarError) -> [AcceptedSignature] {
        let checked = try SignaturePackets.check(message.signature, signatureClass: 1, subject: subject)
        try setEngineTime(now)
        let signature = try EngineData(checked.bytes)
        let signed = try EngineData(message.signed)
        try context.perform("cannot verify", subject: subject, seconds: EngineContext.deadline) { raw in
            unsafe gpgme_op_verify(raw.pointer, signature.raw, signed.raw, nil)
        }
        let found = context.verifyResult()
        guard found.count == checked.count else {
            throw RootcellarError(.signature, "gpg saw another number of signatures", subject: subject)
        }
        return try SignatureJudge(keys: keys, allowed: allowed, now: now, subject: subject).accept(found, threshold: 1)
    }
}
