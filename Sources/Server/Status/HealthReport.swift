// SPDX-License-Identifier: Apache-2.0

import Model

/// What `/healthz` says: how old the pointer is, and how long everything that expires is still good for.
///
/// Monitoring has to see a tree that nobody keeps up before clients do, who refuse it once the pointer has ended.
struct HealthReport: Encodable {
    /// How it is.
    enum Status: String, Encodable {
        case ok
        /// Clients notice nothing yet, but somebody has to do something.
        case degraded
        /// Clients refuse what is published.
        case expired
        /// The tree cannot be read.
        case unreadable
    }

    /// Something that ends.
    struct Validity: Encodable, Equatable {
        var validUntil: Timestamp
        /// Seconds until then; negative once it is over.
        var secondsLeft: Int64

        init(_ end: Timestamp, now: Timestamp) {
            validUntil = end
            secondsLeft = end.seconds - now.seconds
        }
    }

    var format = documentFormat
    var status = Status.ok
    /// What is wrong, for people.
    var problems: [String] = []
    var server: String?
    /// The version of the manifest in force.
    var version: Int?
    var signedAt: Timestamp?
    /// Seconds since the pointer was signed.
    var age: Int64?
    var pointer: Validity?
    var manifest: Validity?
    var root: Validity?
    var certificate: Validity?

    /// Documents other than the pointer, and the certificate, are renewed by people, who need that much time.
    static let notice: Int64 = 30 * 86400
    static let certificateNotice: Int64 = 7 * 86400

    /// A report on a tree.
    init(_ state: Result<TreeState, any Error>, certificate end: Timestamp?, now: Timestamp) {
        switch state {
        case .success(let state): add(state, now)
        case .failure(let error):
            status = .unreadable
            problems.append((error as? RootcellarError)?.description ?? printable("\(error)"))
        }
        guard let end else { return }
        certificate = Validity(end, now: now)
        if end.seconds - now.seconds < Self.certificateNotice { note(.degraded, "the certificate ends at \(end)") }
    }

    private mutating func add(_ state: TreeState, _ now: Timestamp) {
        server = state.pointer.server
        version = state.manifest.version
        signedAt = state.pointer.signedAt
        age = now.seconds - state.pointer.signedAt.seconds
        pointer = Validity(state.pointer.validUntil, now: now)
        manifest = Validity(state.manifest.validUntil, now: now)
        root = Validity(state.root.expires, now: now)
        let ends = [
            ("pointer", state.pointer.validUntil), ("manifest", state.manifest.validUntil),
            ("root document", state.root.expires),
        ]
        for (name, end) in ends where end <= now { note(.expired, "the \(name) was valid until \(end)") }
        let life = state.pointer.validUntil.seconds - state.pointer.signedAt.seconds
        if state.pointer.validUntil > now, 2 * (state.pointer.validUntil.seconds - now.seconds) < life {
            note(.degraded, "the pointer has used more than half of its validity; run 'rootcellar repo refresh'")
        }
        for (name, end) in ends.dropFirst() where end > now && end.seconds - now.seconds < Self.notice {
            note(.degraded, "the \(name) ends at \(end)")
        }
        if state.pointer.signedAt > now.adding(seconds: ClockFloor.skew) {
            note(.degraded, "the pointer was signed at \(state.pointer.signedAt), which is still to come")
        }
    }

    private mutating func note(_ worse: Status, _ problem: String) {
        problems.append(problem)
        if status == .ok || (status == .degraded && worse == .expired) { status = worse }
    }
}
