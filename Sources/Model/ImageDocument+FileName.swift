// SPDX-License-Identifier: Apache-2.0

extension ImageDocument {
    /// Checksums for people and scripts, which publishing makes.
    package static let checksums = "SHA256SUMS"

    /// Whether a file that an image document names can be called so: a plain name, and none that publishing gives.
    package static func isFileName(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x5F, 0x2B, 0x2D, 0x3A: true
            default: false
            }
        }
        return isPlain && (1...128).contains(name.utf8.count) && !name.hasPrefix(".") && !name.hasPrefix("-")
            && !name.hasSuffix(".asc") && name != checksums && name != fileName && name != "index.html"
    }
}
