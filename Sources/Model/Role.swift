// SPDX-License-Identifier: Apache-2.0

/// What a key may sign. One person may hold all three; no format or check assumes it.
package enum Role: String, Codable, Sendable, CaseIterable, CodingKeyRepresentable {
    /// Signs root documents; kept offline.
    case root
    /// Signs manifests.
    case release
    /// Signs pointers only; may be on the publishing host.
    case freshness

    /// The role whose keys sign files of a kind.
    package init(signing kind: SignedFile.Kind) {
        switch kind {
        case .root: self = .root
        case .manifest: self = .release
        case .pointer: self = .freshness
        }
    }
}
