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

/// How a tree's keys change.
package enum KeyChange: Sendable {
    /// Every key of a role is replaced.
    case rotate(Role, count: Int? = nil, threshold: Int? = nil)
    /// One key leaves its role, another comes in its place.
    case revoke(Fingerprint, Role)
    /// None changes.
    case renew
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
        try perform(.rotate(role, count: count, threshold: threshold))
    }

    /// Takes one key away from its role; a new one comes in its place.
    ///
    /// - Throws: `POLICY` if the key does not have the role; `SIGNATURE` if the keys to sign with are not here.
    package func revoke(_ fingerprint: Fingerprint, _ role: Role) throws(RootcellarError) -> KeyReport {
        try perform(.revoke(fingerprint, role))
    }

    /// Signs the root document once more, so that it does not expire; every key stays.
    package func renewRoot() throws(RootcellarError) -> KeyReport { try perform(.renew) }

    /// Makes the next root document, signs it with the root keys that are here, and publishes it.
    ///
    /// - Parameter others: keys that come in, if they are not to be made here.
    package func perform(_ change: KeyChange, with others: NewKeys = NewKeys()) throws(RootcellarError) -> KeyReport {
        try work(roles: Role.allCases) { tree, home throws(RootcellarError) in
            let (next, store) = try prepare(change, others, tree, home)
            return try publish(next, nil, tree, home, store)
        }
    }

    /// Makes the next root document for the holders of the root keys to sign; nothing is published. New keys that it names
    /// are made and kept here.
    package func draft(_ change: KeyChange, with others: NewKeys = NewKeys()) throws(RootcellarError) -> RootDraft {
        try work(roles: [.release, .freshness]) { tree, home throws(RootcellarError) in
            let (next, _) = try prepare(change, others, tree, home)
            return try RootDraft(next, after: (tree.root, rootFile(tree)))
        }
    }

    /// Publishes a root document that others have signed.
    ///
    /// - Throws: `SIGNATURE` if too few have; `POLICY` if it is not the next one of this tree, or valid for too long.
    package func apply(_ draft: RootDraft) throws(RootcellarError) -> KeyReport {
        try work(roles: [.release, .freshness]) { tree, home throws(RootcellarError) in
            let bytes = try draft.signedFile(now: now)
            let next = draft.document
            guard draft.previousFile == (try rootFile(tree)) else {
                throw RootcellarError(
                    .policy,
                    "it follows another root document than number \(tree.root.version), which is in force here",
                    subject: "root document \(next.version) of '\(next.server)'",
                    hint: "make a new draft"
                )
            }
            guard next.expires > now, next.expires <= (try validity.end(of: .root, signedAt: now)) else {
                throw RootcellarError(
                    .policy,
                    "it is valid until \(next.expires), which is over or too long",
                    subject: "root document \(next.version) of '\(next.server)'",
                    hint: "make a new draft"
                )
            }
            return try publish(next, bytes, tree, home, keys)
        }
    }

    private func rootFile(_ tree: CurrentTree) throws(RootcellarError) -> [UInt8] {
        try Disk.read(layout.path(TreePath.root(tree.root.version)), limit: SignedFile.Kind.root.limit)
    }

    /// The next root document, and the keys of it and of the one in force.
    private func prepare(
        _ change: KeyChange,
        _ others: NewKeys,
        _ tree: CurrentTree,
        _ home: KeyHome
    ) throws(RootcellarError) -> (next: RootDocument, store: KeyStore) {
        var next = tree.root
        next.version += 1
        next.expires = try validity.end(of: .root, signedAt: now)
        switch change {
        case .renew: break
        case .rotate(let role, let count, let threshold):
            let now = try next.keys(of: role)
            let wanted = count ?? now.fingerprints.count
            let made: [Fingerprint]
            if others.isEmpty {
                try KeyStore.checkCount(wanted, threshold: threshold ?? min(now.threshold, wanted))
                made = try keys.makeKeys(others, wanted, role, home: home)
            } else {
                made = try keys.makeKeys(others, 0, role, home: home)
            }
            let needed = threshold ?? min(now.threshold, made.count)
            try KeyStore.checkCount(made.count, threshold: needed)
            next.roles[role] = RootDocument.Keys(threshold: needed, fingerprints: made)
        case .revoke(let fingerprint, let role):
            var now = try next.keys(of: role)
            guard let index = now.fingerprints.firstIndex(of: fingerprint) else {
                throw RootcellarError(
                    .policy,
                    "this key does not have the role '\(role.rawValue)'",
                    subject: fingerprint.hex,
                    hint: "it is had by \(now.fingerprints.map(\.hex).joined(separator: ", "))"
                )
            }
            let made = try keys.makeKeys(others, 1, role, home: home)
            guard made.count == 1, !now.fingerprints.contains(made[0]) else {
                throw RootcellarError(.policy, "one other key has to come in its place", subject: fingerprint.hex)
            }
            now.fingerprints[index] = made[0]
            next.roles[role] = now
        }
        var both: [Role: [Fingerprint]] = [:]
        for role in Role.allCases {
            let known = keys.fingerprints(role)
            both[role] = known + (try next.keys(of: role).fingerprints.filter { !known.contains($0) })
        }
        next.publicKeys = try publicKeys(of: next, before: tree.root, home: home)
        // Whenever this dies the store names the keys of whichever document is in force; others do no harm there.
        return (next, try keys.replacing(both, using: others))
    }

    private func publish(
        _ next: RootDocument,
        _ file: [UInt8]?,
        _ tree: CurrentTree,
        _ home: KeyHome,
        _ store: KeyStore
    ) throws(RootcellarError) -> KeyReport {
        // Keys of other homes that have just come in are known to a new one only.
        let fresh = try store.openHome()
        defer { fresh.close() }
        var publication = publication(tree, fresh, store)
        publication.changes.root = next
        publication.changes.rootFile = file
        try publication.restoreIndexes()
        let report = try publication.run([])
        var wanted: [Role: [Fingerprint]] = [:]
        var removed: Set<Fingerprint> = []
        for role in Role.allCases {
            wanted[role] = try next.keys(of: role).fingerprints
            removed.formUnion(try tree.root.keys(of: role).fingerprints)
        }
        _ = try store.replacing(wanted)
        return KeyReport(
            root: next.version,
            expires: next.expires,
            roles: next.roles,
            removed: removed.subtracting(wanted.values.joined()).sorted(),
            manifest: report.manifest
        )
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
