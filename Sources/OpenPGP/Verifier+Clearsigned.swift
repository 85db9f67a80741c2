// SPDX-License-Identifier: Apache-2.0

import CGPGME
package import Model

extension Verifier {
    /// Verifies a text with its signature around it.
    ///
    /// Parameters and errors as for `verify(_:…)`.
    ///
    /// - Returns: the text.
    package func clearsigned(
        _ bytes: [UInt8],
        by allowed: Set<Fingerprint>,
        threshold: Int,
        now: Timestamp,
        subject: String
    ) throws(RootcellarError) -> [UInt8] {
        let signed = try ClearsignedText(reading: bytes, subject: subject)
        let count = try SignaturePackets.check(signed.signature, signatureClass: 1, subject: subject).count
        try setEngineTime(now)
        let input = try EngineData(bytes)
        let output = try EngineData()
        let seconds = EngineContext.deadline + bytes.count / (16 << 20)
        try context.perform("cannot verify", subject: subject, seconds: seconds) { raw in
            unsafe gpgme_op_verify(raw.pointer, input.raw, nil, output.raw)
        }
        let found = context.verifyResult()
        // What counts is what gpg hashed, not what we think it read.
        guard found.count == count, output.bytes() == signed.text else {
            throw RootcellarError(.signature, "gpg reads another text or other signatures", subject: subject)
        }
        _ = try SignatureJudge(keys: keys, allowed: allowed, now: now, subject: subject)
            .accept(found, threshold: threshold)
        return signed.text
    }
}
