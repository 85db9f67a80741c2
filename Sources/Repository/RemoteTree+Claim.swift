// SPDX-License-Identifier: Apache-2.0

import Model
import Transfer

#if canImport(Glibc)
import Glibc
#endif

extension RemoteTree {
    /// How often a publisher at work shows that it is alive.
    private static let renewal: Duration = .seconds(300)

    /// Makes this the only publisher. For whoever has the lock of the working copy, so that an earlier claim of the same one
    /// is of a process that is dead.
    ///
    /// - Parameter seconds: how long to wait for another publisher.
    /// - Throws: `REPOSITORY` if somebody else is still at work then, `POLICY` for a store that does not keep conditions.
    func begin(waiting seconds: Int) throws(RootcellarError) {
        (claim, inherited, isUnsure, hasStaleIndexes) = (nil, nil, false, false)
        let deadline = ContinuousClock.now + .seconds(seconds)
        var new = Claim(owner: state.owner, renewed: currentTime)
        var attempts = 0
        while true {
            new.renewed = currentTime
            let bytes = try new.canonicalBytes()
            if case .stored(let etag) = try store.put(Claim.path, bytes, .absent) {
                try hold(new, etag)
                return try requireConditions(bytes)
            }
            attempts += 1
            guard case .found(let there, let etag?) = try store.get(Claim.path, limit: Claim.limit) else {
                guard attempts < 10 else { throw overtaken() }
                usleep(100_000)
                continue
            }
            // The answer to an earlier try was lost.
            if there == bytes {
                try hold(new, etag)
                return try requireConditions(bytes)
            }
            let other = try Claim(verified: there, subject: store.address.name(of: Claim.path))
            let isStale = other.renewed.adding(seconds: Claim.seconds) < currentTime
            if other.owner == state.owner || other.isLeft == true || isStale {
                new.inherit(other)
                let bytes = try new.canonicalBytes()
                if let etag = try replace(Claim.path, bytes, .matches(etag)) {
                    try hold(new, etag)
                    if other.hasWork { inherited = other }
                    return
                }
                new.clear()
                continue
            }
            guard ContinuousClock.now < deadline else {
                throw RootcellarError(
                    .repository,
                    "another publisher is at work on this tree, last seen at \(other.renewed)",
                    subject: name,
                    hint: "try again when it has ended; one that was killed is followed at once where it ran, after"
                        + " an hour elsewhere"
                )
            }
            usleep(500_000)
        }
    }

    private func hold(_ new: Claim, _ etag: String) throws(RootcellarError) {
        (claim, claimETag, renewedAt) = (new, etag, .now)
        store.onPart = { [unowned self] () throws(RootcellarError) in
            if self.renewedAt + Self.renewal < .now { try self.renew() }
        }
    }

    /// Tries what must not succeed: a store that writes all the same would let two publishers overwrite each other.
    private func requireConditions(_ bytes: [UInt8]) throws(RootcellarError) {
        let wrong = "\"00000000000000000000000000000000\""
        for condition in [ObjectStore.Condition.absent, .matches(wrong)] {
            guard case .stored = try store.put(Claim.path, bytes, condition) else { continue }
            try? store.delete(Claim.path)
            claim = nil
            throw RootcellarError(
                .policy,
                "the object store does not keep conditions of writes"
                    + " (\(condition == .absent ? "If-None-Match" : "If-Match")), so that two publishers could overwrite"
                    + " each other",
                subject: name,
                hint: "use a store that does, or publish to a local tree and copy it"
            )
        }
    }

    /// Writes down what is about to appear. What is there already is not ours to remove.
    func announce(version: Int, manifest: SHA256Digest, paths: [String]) throws(RootcellarError) {
        var new: [String] = []
        for path in paths {
            if path.hasPrefix("rootcellar/index/"), try store.size(of: path) != nil { continue }
            new.append(path)
        }
        claim?.version = version
        claim?.manifest = manifest
        claim?.paths = new
        try renew()
    }

    /// Writes down what is about to go.
    func announce(removals: [String], version: Int) throws(RootcellarError) {
        claim?.version = version
        claim?.removals = removals
        try renew()
    }

    /// Writes the claim once more.
    ///
    /// - Throws: `REPOSITORY` if another publisher has taken over.
    func renew() throws(RootcellarError) {
        guard var new = claim else { return }
        new.renewed = currentTime
        guard let etag = try replace(Claim.path, try new.canonicalBytes(), .matches(claimETag)) else {
            claim = nil
            throw overtaken()
        }
        (claim, claimETag, renewedAt) = (new, etag, .now)
    }

    /// Says that what a dead publisher had left is done.
    func settled() throws(RootcellarError) {
        inherited = nil
        if hasStaleIndexes { return }
        claim?.clear()
        try renew()
    }

    /// Gives the tree to the next publisher. What cannot be said now is found out later: nothing that is published hangs on
    /// it.
    func finish() {
        guard claim != nil else { return }
        if inherited != nil || hasStaleIndexes { return leave() }
        defer { (claim, store.onPart) = (nil, nil) }
        guard case .found(_, let etag)? = try? store.get(Claim.path, limit: Claim.limit), etag == claimETag else {
            return
        }
        try? store.delete(Claim.path)
    }

    /// After an error: takes back what is not in force, as far as the store lets us.
    func abandon() {
        guard let claim else { return }
        // Whoever follows changes the pointer before it removes anything: only then is it known that ours did not arrive.
        if isUnsure || inherited != nil || hasStaleIndexes { return leave() }
        if claim.hasWork {
            guard claim.removals.isEmpty, (try? remove(claim.paths)) != nil else { return leave() }
        }
        finish()
    }

    private func leave() {
        claim?.isLeft = true
        try? renew()
        (claim, store.onPart) = (nil, nil)
    }

    /// Writes under a condition.
    ///
    /// - Returns: the new entity tag; nil if somebody else was faster.
    func replace(
        _ path: String,
        _ bytes: [UInt8],
        _ condition: ObjectStore.Condition
    ) throws(RootcellarError) -> String? {
        if case .stored(let etag) = try store.put(path, bytes, condition) { return etag }
        // The answer to an earlier try may have been lost; then these very bytes are there.
        guard case .found(let there, let etag?) = try store.get(path, limit: Claim.limit), there == bytes else {
            return nil
        }
        return etag
    }

    func overtaken() -> RootcellarError {
        RootcellarError(
            .repository,
            "another publisher has changed this tree meanwhile, nothing was published",
            subject: name,
            hint: "publish again"
        )
    }
}
