// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// Finds the public key that a server's files are signed by: in a file that is named, or as `<FINGERPRINT>.asc` among
/// the pinned servers. No key server is ever asked.
struct PlainServerKeys {
    private let surroundings: Surroundings

    init(_ surroundings: Surroundings) { self.surroundings = surroundings }

    /// - Parameters:
    ///   - signer: whose key; nil for the only one that the keyring has.
    /// - Throws: `POLICY` if there is no such key or it cannot be told which one is meant, `SIGNATURE` for a file that
    ///   is none of public keys.
    func find(_ signer: Fingerprint?, keyring: String?) throws(RootcellarError) -> (Fingerprint, [UInt8]) {
        if let keyring {
            guard let bytes = try readFile(FilePath(keyring), limit: PublicKeyBlock.sizeLimit, .policy) else {
                throw RootcellarError(.policy, "no such file", subject: keyring)
            }
            let primaries = try primaries(bytes, keyring)
            if let signer {
                guard primaries.contains(signer) else { throw missing(signer, keyring) }
                return (signer, bytes)
            }
            guard primaries.count == 1 else {
                throw RootcellarError(
                    .policy,
                    "\(primaries.count) keys in the keyring",
                    subject: keyring,
                    hint: "say by --keyid whose signatures count"
                )
            }
            return (primaries[0], bytes)
        }
        guard let signer else { throw RootcellarError(.policy, "no key") }
        var folders = [surroundings.systemConfiguration]
        if let own = surroundings.userConfiguration { folders.append(own) }
        for name in [signer.hex, signer.hex.lowercased()] {
            for folder in folders {
                let path = folder.appending("trust.d").appending("\(name).asc")
                guard let bytes = try readFile(path, limit: PublicKeyBlock.sizeLimit, .policy) else { continue }
                guard try primaries(bytes, path.string).contains(signer) else { throw missing(signer, path.string) }
                return (signer, bytes)
            }
        }
        throw RootcellarError(
            .policy,
            "the public key is not here, and no key server is ever asked",
            subject: signer.hex,
            hint: "put it into \(folders[0].appending("trust.d").appending("\(signer.hex).asc")), or name its file by"
                + " --keyring"
        )
    }

    private func primaries(_ bytes: [UInt8], _ path: String) throws(RootcellarError) -> [Fingerprint] {
        do throws(RootcellarError) {
            return try PublicKeyBlock.primaryFingerprints(bytes, subject: path)
        } catch {
            throw RootcellarError(
                error.errorClass,
                error.reason,
                subject: path,
                hint: error.hint ?? "make such a file with: gpg --armor --export FINGERPRINT"
            )
        }
    }

    private func missing(_ signer: Fingerprint, _ path: String) -> RootcellarError {
        RootcellarError(.policy, "this file does not have the key \(signer)", subject: path)
    }
}
