// SPDX-License-Identifier: Apache-2.0

import CGPGME
package import Model

extension KeyHome {
    /// Puts a signature around a text of printable ASCII, for tools that know no other form.
    ///
    /// - Throws: `SIGNATURE` if the key is missing, or gpg changed the text; `INTERNAL` for a text that it would change.
    package func clearsign(_ text: [UInt8], by fingerprint: Fingerprint) throws(RootcellarError) -> [UInt8] {
        if let why = ClearsignedText.unfit(text) {
            throw RootcellarError(.internal, "cannot be signed as text (\(why))")
        }
        let signer = try signer(fingerprint)
        let input = try EngineData(text)
        let output = try EngineData()
        let seconds = deadline + text.count / (16 << 20)
        try context(of: fingerprint).perform("cannot sign", subject: fingerprint.hex, seconds: seconds) { raw in
            unsafe gpgme_signers_clear(raw.pointer)
            let code = unsafe gpgme_signers_add(raw.pointer, signer.raw)
            guard gpgme_err_code(code) == GPG_ERR_NO_ERROR else { return code }
            return unsafe gpgme_op_sign(raw.pointer, input.raw, output.raw, GPGME_SIG_MODE_CLEAR)
        }
        let bytes = output.bytes()
        let signed = try ClearsignedText(reading: bytes, subject: fingerprint.hex)
        _ = try SignaturePackets.check(signed.signature, signatureClass: 1, subject: fingerprint.hex)
        // What stands in it is what a reader takes, so it has to be the text to the byte.
        guard signed.text == text else {
            throw RootcellarError(.signature, "gpg signed another text than it was given", subject: fingerprint.hex)
        }
        return bytes
    }
}
