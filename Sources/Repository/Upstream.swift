// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP

/// Another publisher's tree, as far as it was verified: from the pinned key down to the index shards, by the same steps
/// that a client takes.
struct Upstream {
    let source: any TreeSource
    let found: Descent.Found

    var manifest: Manifest { found.manifest }
    var root: RootDocument { found.link.document }

    /// - Parameter state: what was seen of it before; it may not go back behind that.
    init(
        _ source: any TreeSource,
        pin: ServerPin,
        state: ServerState?,
        now: Timestamp
    ) throws(RootcellarError) {
        self.source = source
        let clock = ClockFloor(now: now, lastSigned: state?.signedAt)
        found = try Descent(
            pin: pin,
            state: state,
            clock: clock,
            documents: SignedDocuments(now: clock.effective, denied: pin.denied),
            remembered: { _ in nil },
            remember: { _, _ in },
            keepEvidence: { _ in }
        ).run(source)
    }

    /// What is to be remembered of it.
    func state(after old: ServerState?, pin: ServerPin) -> ServerState {
        ServerState(
            server: root.server,
            pins: pin.fingerprints,
            root: String(decoding: found.link.file, as: UTF8.self),
            pointer: String(decoding: found.pointerFile, as: UTF8.self),
            etag: nil,
            manifest: found.pointer.manifest,
            signedAt: max(found.pointer.signedAt, (found.isReset ? nil : old?.signedAt) ?? found.pointer.signedAt)
        )
    }

    /// One index shard.
    ///
    /// - Parameter known: its bytes, if they are here already.
    func shard(
        _ distribution: String,
        _ reference: FileReference,
        known: [UInt8]? = nil
    ) throws(RootcellarError) -> (shard: IndexShard, bytes: [UInt8]) {
        let path = TreePath.index(reference.sha256)
        let subject = source.url(of: path)
        guard reference.size <= 16 << 20 else {
            throw RootcellarError(.size, "an index of \(reference.size) bytes", subject: subject)
        }
        let bytes: [UInt8]
        if let known, (try? reference.check(known, subject: subject)) != nil {
            bytes = known
        } else {
            bytes = try source.file(path, reference)
        }
        let shard = try IndexShard(verified: bytes, subject: subject)
        guard shard.server == manifest.server, shard.distribution == distribution else {
            throw RootcellarError(.binding, "the index is another distribution's or server's", subject: subject)
        }
        return (shard, bytes)
    }
}
