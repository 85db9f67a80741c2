// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// The keys of a definition, as a directory that apt takes for its trusted keys.
enum Keyring {
    private static let begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"

    /// Whether every key is there in full.
    ///
    /// - Throws: `SOURCE` for a key given by fingerprint: it would have to come from a keyserver, and whatever such a
    ///   server answers is no proof of anything.
    static func check(_ keys: [SourceText]) throws(RootcellarError) {
        for key in keys where !key.text.contains(begin) {
            throw RootcellarError(
                .source,
                "a key is named but not given; no keyserver is ever asked",
                subject: "\(key.position)",
                hint: "put the armored public key itself into source.keys"
            )
        }
    }

    /// Writes the keys and returns the directory; nil if the definition has none, so that the host's keys count.
    ///
    /// - Throws: `SOURCE` as `check` does, `BUILD` if they cannot be written.
    static func write(_ keys: [SourceText], below directory: FilePath) throws(RootcellarError) -> FilePath? {
        try check(keys)
        guard !keys.isEmpty else { return nil }
        let keyring = directory.appending("keyring")
        try makeHostDirectory(keyring)
        for (number, key) in keys.enumerated() {
            // apt tells armored keys by this ending (apt-secure(8)).
            let path = keyring.appending("source-\(number + 1).asc")
            try building("write a key", path.string) { () throws(Errno) in
                try writeFile(path, Array(key.text.utf8) + [0x0A])
            }
        }
        return keyring
    }
}
