// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
import OpenPGP

/// The holder of root keys, on a machine of their own: signs drafts of root documents, and nothing that goes back behind
/// what was signed before.
package struct RootSigner {
    package let keys: KeyStore
    package let now: Timestamp
    /// How long a root document may be valid.
    package var validity = Validity()
    /// Whether another document of the version that was signed last may be signed: when that one was given up.
    package var replaces = false

    /// - Parameters:
    ///   - keys: a directory with a root key.
    ///   - now: the clock to sign and to judge by.
    package init(keys: KeyStore, now: Timestamp) {
        self.keys = keys
        self.now = now
    }

    /// Adds the signatures of all root keys that are here and that count.
    ///
    /// - Throws: `POLICY` for a document that is older than what was signed before, or valid for too long, or that asks
    ///   for no key of these; `SIGNATURE` if the secret half of a key is not here or stays locked.
    package func sign(_ draft: RootDraft) throws(RootcellarError) -> RootDraft {
        let document = draft.document
        let subject = "root document \(document.version) of '\(document.server)'"
        func refused(_ why: String, _ hint: String) throws(RootcellarError) -> RootcellarError {
            try keys.audit.append("refuse \(subject) (\(why))", now: now)
            return RootcellarError(.policy, "refusing to sign: \(why)", subject: subject, hint: hint)
        }
        guard document.expires > now, document.expires <= (try validity.end(of: .root, signedAt: now)) else {
            throw try refused("it is valid until \(document.expires), which is over or too long", "make a new draft")
        }
        let hash = SHA256Digest(hashing: draft.payload)
        let last = try keys.signed(for: document.server)
        guard document.version >= last.root else {
            throw try refused("these keys have signed document \(last.root) before", "ask for the newest root document")
        }
        guard document.version > last.root || last.rootHash == nil || last.rootHash == hash || replaces else {
            throw try refused(
                "these keys have signed another document of this version before",
                "--replace signs this one all the same, if the other was given up"
            )
        }
        let allowed = try draft.allowed()
        let mine = keys.fingerprints(.root).filter(allowed.contains)
        let home = try keys.openHome()
        defer { home.close() }
        let ready = mine.filter(home.canSign)
        guard let first = mine.first else {
            throw try refused("none of its root keys is in \(keys.directory)", "give the directory of a root key")
        }
        let there = Set(try draft.signers(now: now))
        let signing = (ready.isEmpty ? [first] : ready).filter { !there.contains($0) }
        let names = signing.map(\.hex).joined(separator: " ")
        try keys.audit.append("sign \(subject) until \(document.expires) sha256 \(hash) by \(names)", now: now)
        var result = draft
        let message = SignedFile.signedBytes(kind: .root, payload: draft.payload)
        for key in signing { result = result.signed(try home.sign(message, by: key)) }
        try keys.record(document.server) {
            $0.root = document.version
            $0.rootHash = hash
        }
        return result
    }
}
