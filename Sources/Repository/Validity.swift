// SPDX-License-Identifier: Apache-2.0

package import Model

/// For how long signed documents may be believed: how long a mirror can hold back news, and how long a stolen key hurts.
package struct Validity: Sendable, Hashable {
    /// Days from signing, for each kind of document.
    package var days: [SignedFile.Kind: Int]

    /// - Parameters:
    ///   - root: at most 730 days.
    ///   - manifest: at most 366 days.
    ///   - pointer: at most 31 days.
    package init(root: Int = 365, manifest: Int = 180, pointer: Int = 7) {
        days = [.root: root, .manifest: manifest, .pointer: pointer]
    }

    private static let longest: [SignedFile.Kind: Int] = [.root: 730, .manifest: 366, .pointer: 31]

    /// When a document that is signed at `time` ends.
    ///
    /// - Throws: `POLICY` for a period that is not positive, or too long to be safe.
    func end(of kind: SignedFile.Kind, signedAt time: Timestamp) throws(RootcellarError) -> Timestamp {
        let count = days[kind] ?? 0
        let most = Self.longest[kind] ?? 0
        guard (1...most).contains(count) else {
            throw RootcellarError(
                .policy,
                "a \(kind.rawValue) may be valid for 1 to \(most) days",
                subject: "\(count) days"
            )
        }
        return time.adding(seconds: Int64(count) * 86400)
    }
}
