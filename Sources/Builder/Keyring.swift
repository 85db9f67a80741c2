// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// The keys of a definition, as a directory that apt takes for its trusted keys.
enum Keyring {
    /// Whether every key is there in full: in the definition, or by its fingerprint on this machine.
    ///
    /// - Throws: `SOURCE` for a key that is not, and for a hash, which is of one file and says nothing of an archive.
    static func check(_ keys: [SourceText]) throws(RootcellarError) { _ = try blocks(keys) }

    /// The armored keys themselves.
    ///
    /// - Throws: `SOURCE` as `check` does.
    static func blocks(_ keys: [SourceText]) throws(RootcellarError) -> [[UInt8]] {
        let read = try SourceKeys(keys)
        guard read.pins.isEmpty, read.signify.isEmpty else {
            throw RootcellarError(
                .source,
                "archives of Debian's form are verified by OpenPGP keys only",
                subject: "\(keys.first?.position, default: "source.keys")",
                hint: "put the armored public key or its full fingerprint into source.keys"
            )
        }
        return read.blocks
    }

    /// Writes the keys and returns the directory; nil if the definition has none, so that the host's keys count.
    ///
    /// - Throws: `SOURCE` as `check` does, `BUILD` if they cannot be written.
    static func write(_ keys: [SourceText], below directory: FilePath) throws(RootcellarError) -> FilePath? {
        let blocks = try blocks(keys)
        guard !blocks.isEmpty else { return nil }
        let keyring = directory.appending("keyring")
        try makeHostDirectory(keyring)
        for (number, block) in blocks.enumerated() {
            // apt tells armored keys by this ending (apt-secure(8)).
            let path = keyring.appending("source-\(number + 1).asc")
            try building("write a key", path.string) { () throws(Errno) in try writeFile(path, block) }
        }
        return keyring
    }
}
