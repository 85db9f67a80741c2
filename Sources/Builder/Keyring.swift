// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// The keys of a definition, as a directory that apt takes for its trusted keys.
enum Keyring {
    /// The public keys themselves, as they were given.
    ///
    /// - Throws: `SOURCE` for a hash, which is of one file and says nothing of an archive, and for a key of signify.
    static func blocks(_ keys: SourceKeys, at place: String) throws(RootcellarError) -> [[UInt8]] {
        guard keys.pins.isEmpty, keys.signify.isEmpty else {
            throw RootcellarError(
                .source,
                "archives of Debian's form are verified by OpenPGP keys only",
                subject: place,
                hint: "put the armored public key or its full fingerprint into source.keys"
            )
        }
        return keys.blocks
    }

    /// Writes the keys and returns the directory; nil if there are none, so that the host's keys count.
    ///
    /// - Throws: `BUILD` if they cannot be written.
    static func write(_ blocks: [[UInt8]], below directory: FilePath) throws(RootcellarError) -> FilePath? {
        guard !blocks.isEmpty else { return nil }
        let keyring = directory.appending("keyring")
        try makeHostDirectory(keyring)
        for (number, block) in blocks.enumerated() {
            // apt tells armored keys from others by the ending (apt-secure(8)); the first byte of the others has its
            // highest bit set (RFC 4880, 4.2).
            let isArmored = block.first.map { $0 < 0x80 } ?? true
            let path = keyring.appending("source-\(number + 1).\(isArmored ? "asc" : "gpg")")
            try building("write a key", path.string) { () throws(Errno) in try writeFile(path, block) }
        }
        return keyring
    }

    /// What vouches for the archive of a definition.
    ///
    /// - Throws: `SOURCE` for a key that is not there in full: in the definition, in the mirror's file, or by its
    ///   fingerprint on this machine.
    static func blocks(_ options: BuildOptions) throws(RootcellarError) -> [[UInt8]] {
        let place = options.definition.definition.source.keys.first?.position
        return try blocks(try options.keys(), at: "\(place, default: "source.keys")")
    }
}
