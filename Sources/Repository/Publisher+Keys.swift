// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP

/// What has become of a tree's keys.
package struct KeyReport: Codable, Sendable, Hashable {
    /// The version of the new root document.
    package var root: Int
    /// Until when it may be believed.
    package var expires: Timestamp
    /// The keys of every role from now on.
    package var roles: [Role: RootDocument.Keys]
    /// Keys that have no role any more.
    package var removed: [Fingerprint]
    /// The manifest that was published with it.
    package var manifest: Int
}

/// New root documents: the only way in which a tree's keys ever change. Each is signed by enough root keys of the one
/// before and by enough of its own, and comes into force together with a manifest and a pointer signed by the keys it
/// names, all or nothing.
extension Publisher {
    /// Replaces every key of a role by new ones.
    ///
    /// - Parameters:
    ///   - count: how many new ones; as many as now if nil.
    ///   - threshold: how many have to sign; as many as now if nil.
    /// - Throws: `POLICY` for numbers that make no sense; `SIGNATURE` if the keys to sign with are not here.
    package func rotate(_ role: Role, count: Int? = nil, threshold: Int? = nil) throws(RootcellarError) -> KeyReport {
        try change { root, home throws(RootcellarError) in
            let now = try root.keys(of: role)
            let count = count ?? now.fingerprints.count
            let threshold = threshold ?? min(now.threshold, count)
            try KeyStore.checkCount(count, threshold: threshold)
            let made = try KeyStore.makeKeys(count, role, name: keys.name, home: home)
            root.roles[role] = RootDocument.Keys(threshold: threshold, fingerprints: made)
        }
    }

    /// Takes one key away from its role; a new one comes in its place.
    ///
    /// - Throws: `POLICY` if the key does not have the role; `SIGNATURE` if the keys to sign with are not here.
    package func revoke(_ fingerprint: Fingerprint, _ role: Role) throws(RootcellarError) -> KeyReport {
        try change { root, home throws(RootcellarError) in
            var now = try root.keys(of: role)
            guard let index = now.fingerprints.firstIndex(of: fingerprint) else {
                throw RootcellarError(
                    .policy,
                    "this key does not have the role '\(role.rawValue)'",
                    subject: fingerprint.hex,
                    hint: "it is had by \(now.fingerprints.map(\.hex).joined(separator: ", "))"
                )
            }
            now.fingerprints[index] = try KeyStore.makeKeys(1, role, name: keys.name, home: home)[0]
            root.roles[role] = now
        }
    }

    /// Signs the root document once more, so that it does not expire; every key stays.
    package func renewRoot() throws(RootcellarError) -> KeyReport { try change { _, _ in } }

    private func change(
        _ edit: (inout RootDocument, KeyHome) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> KeyReport {
        try work(roles: Role.allCases) { tree, home throws(RootcellarError) in
            let old = tree.root
            var next = old
            next.version += 1
            next.expires = try validity.end(of: .root, signedAt: now)
            try edit(&next, home)
            var wanted: [Role: [Fingerprint]] = [:]
            var both: [Role: [Fingerprint]] = [:]
            for role in Role.allCases {
                let new = try next.keys(of: role).fingerprints
                wanted[role] = new
                both[role] = keys.fingerprints(role) + new.filter { !keys.fingerprints(role).contains($0) }
            }
            next.publicKeys = try publicKeys(of: next, before: old, home: home)
            // Whenever this dies the store names the keys of whichever document is in force; others do no harm there.
            let store = try keys.replacing(both)
            var publication = publication(tree, home, store)
            publication.changes.root = next
            try publication.restoreIndexes()
            let report = try publication.run([])
            _ = try store.replacing(wanted)
            var removed: Set<Fingerprint> = []
            for role in Role.allCases { removed.formUnion(try old.keys(of: role).fingerprints) }
            return KeyReport(
                root: next.version,
                expires: next.expires,
                roles: next.roles,
                removed: removed.subtracting(wanted.values.joined()).sorted(),
                manifest: report.manifest
            )
        }
    }

    /// The blocks of exactly the keys that a document names: from the one before, or just made.
    private func publicKeys(
        of next: RootDocument,
        before old: RootDocument,
        home: KeyHome
    ) throws(RootcellarError) -> [String] {
        var known: [Fingerprint: String] = [:]
        for text in old.publicKeys {
            for key in try PublicKeyBlock.primaryFingerprints(Array(text.utf8), subject: "root document") {
                known[key] = text
            }
        }
        var wanted: Set<Fingerprint> = []
        for role in Role.allCases { wanted.formUnion(try next.keys(of: role).fingerprints) }
        var blocks: [String] = []
        for key in wanted.sorted() {
            if let text = known[key] {
                blocks.append(text)
            } else {
                blocks.append(String(decoding: try home.exportPublic(key), as: UTF8.self))
            }
        }
        return blocks
    }
}
