// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// A file of a source, as it arrived; nothing is believed of it yet.
struct FetchedFile {
    /// How it is called there.
    let name: String
    /// Where it lies now.
    let path: FilePath
    /// Open for reading.
    let descriptor: FileDescriptor
    let size: Int
    let sha256: String
    let sha512: String

    /// The digest of one length.
    func digest(_ algorithm: ChecksumList.Algorithm) -> String { algorithm == .sha256 ? sha256 : sha512 }
}
