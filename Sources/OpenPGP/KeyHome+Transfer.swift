// SPDX-License-Identifier: Apache-2.0

import CGPGME
package import Model
package import SystemPackage

/// Keys that come from elsewhere or go there.
extension KeyHome {
    /// Takes in the public half of keys that were made elsewhere.
    ///
    /// - Returns: their fingerprints, in the order they stand.
    /// - Throws: `SIGNATURE` if it is not a block of public keys.
    package func addPublic(_ block: [UInt8], subject: String) throws(RootcellarError) -> [Fingerprint] {
        // Read by our own reader first: it accepts public keys and nothing else.
        let found = try PublicKeyBlock.primaryFingerprints(block, subject: subject)
        let input = try EngineData(block)
        try context.perform("cannot take in the public key", subject: subject) { raw in
            unsafe gpgme_op_import(raw.pointer, input.raw)
        }
        try storeRings()
        for key in found { _ = try exportPublic(key) }
        return found
    }

    /// The armored public half of a key in somebody's own GnuPG home, whose secret half its agent has to know.
    ///
    /// - Throws: `SIGNATURE` if there is no such key.
    package static func publicKey(_ fingerprint: Fingerprint, in place: FilePath) throws(RootcellarError) -> [UInt8] {
        let home = try PrivateDirectory()
        defer { home.remove() }
        let context = try EngineContext(
            home: home,
            program: nil,
            keys: try absolute(place),
            subject: place.string
        )
        var isThere = false
        do {
            try context.perform("", subject: "") { raw in
                var key: gpgme_key_t?
                let code = unsafe gpgme_get_key(raw.pointer, fingerprint.hex, &key, 1)
                if let key = unsafe key {
                    isThere = true
                    unsafe gpgme_key_unref(key)
                }
                return code
            }
        } catch {}
        guard isThere else {
            throw RootcellarError(
                .signature,
                "there is no such secret key in \(place)",
                subject: fingerprint.hex,
                hint: "insert the token, and look at 'gpg --homedir \(place) --list-secret-keys'"
            )
        }
        let output = try EngineData()
        try context.perform("cannot export the public key", subject: fingerprint.hex) { raw in
            unsafe gpgme_op_export(raw.pointer, fingerprint.hex, UInt32(GPGME_EXPORT_MODE_MINIMAL), output.raw)
        }
        return output.bytes()
    }

    /// Copies secret halves, as protected as they are, and all public ones into a new home.
    ///
    /// - Throws: `SIGNATURE` if one of the secret halves is not in this directory.
    package func copy(secretsOf fingerprints: [Fingerprint], to target: FilePath) throws(RootcellarError) {
        try Self.prepare(target)
        let secrets = target.appending(Self.secrets)
        try Self.make(secrets)
        for fingerprint in fingerprints {
            let key = try signer(fingerprint)
            var grips: [String] = []
            var next = unsafe key.raw.pointee.subkeys
            while let subkey = unsafe next {
                if let grip = unsafe subkey.pointee.keygrip { grips.append(unsafe String(cString: grip)) }
                unsafe next = subkey.pointee.next
            }
            for grip in grips {
                let name = "\(grip).key"
                guard let bytes = try Self.read(directory.appending(Self.secrets).appending(name)) else {
                    throw RootcellarError(
                        .signature,
                        "the secret key is not in \(directory)",
                        subject: fingerprint.hex,
                        hint: "a key on a token or in another home is used where it is: key init --use-key"
                    )
                }
                try Self.store(bytes, as: name, in: secrets)
            }
        }
        for name in Self.rings {
            if let bytes = try Self.read(directory.appending(name)) { try Self.store(bytes, as: name, in: target) }
        }
    }
}
