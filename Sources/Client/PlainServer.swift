// SPDX-License-Identifier: Apache-2.0

package import Model
package import Transfer

/// A server without signed documents of ours: a tree for stock LXC clients, or a simplestreams catalogue. Nobody pins it;
/// each command line says anew how much of it is to be believed.
package struct PlainServer: Sendable, Equatable {
    /// Why a file of the server is believed.
    package enum Trust: Sendable, Equatable {
        /// Beside each file is a detached signature by this key, which is one of `keys`.
        case signatures(by: Fingerprint, keys: [UInt8])
        /// The simplestreams catalogue has its hash; the catalogue itself is believed because the connection is.
        case hashes
        /// It is not; somebody has said that it does not matter.
        case nothing
    }

    package var address: ServerAddress
    package var trust: Trust
    /// A file of certification authorities to believe instead of the system's.
    package var authorities: String?

    /// The key that signs, if one does.
    package var signer: Fingerprint? {
        if case .signatures(let signer, _) = trust { return signer }
        return nil
    }

    /// What kind of server this is, for people.
    package var kind: String {
        switch trust {
        case .signatures: "a tree with a signature beside each file"
        case .hashes: "simplestreams"
        case .nothing: "unverified"
        }
    }
}

/// One build that a plain server has.
package struct PlainBuild: Sendable, Equatable {
    /// A file of the build; what is nil nobody has said.
    package struct File: Sendable, Equatable {
        package var path: String
        package var size: Int?
        package var sha256: SHA256Digest?
    }

    package var name: ImageName
    /// Sorts by time as plain text.
    package var serial: String
    package var rootfs: File
    /// The metadata archive for LXC, if there is one.
    package var metadata: File?
    /// The directory of the build where every file has its signature beside it.
    package var directory: String?

    /// Whether `text` can be a serial: it becomes a part of URLs.
    static func isSerial(_ text: some StringProtocol) -> Bool {
        (1...64).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }
}
