// SPDX-License-Identifier: Apache-2.0

/// The local clock, held up by times that are certainly past: a clock that was set back must not make old things new.
package struct ClockFloor: Sendable {
    /// How far clocks may differ, in seconds.
    package static let skew: Int64 = 600
    /// No copy of this program is older.
    package static let programDate = Timestamp(seconds: 1_793_491_200)

    /// What the local clock says.
    package let local: Timestamp
    /// The moment that checks use.
    package let effective: Timestamp
    /// Whether the local clock is behind the floor.
    package let isBehind: Bool

    /// The clock, and the latest time that is known to have passed.
    package init(now: Timestamp, lastSigned: Timestamp?) {
        local = now
        let floor = max(Self.programDate, lastSigned ?? Self.programDate)
        isBehind = now.adding(seconds: Self.skew) < floor
        effective = max(now, floor)
    }

    /// - Throws: `CLOCK` for a document from the future.
    package func check(signedAt: Timestamp, what: String, subject: String) throws(RootcellarError) {
        guard signedAt <= effective.adding(seconds: Self.skew) else {
            throw RootcellarError(
                .clock,
                "the \(what) was signed at \(signedAt), here it is \(effective)",
                subject: subject,
                hint: "set this machine's clock, or tell the server's operator"
            )
        }
    }

    /// - Throws: `FREEZE` for a document whose validity has ended.
    package func check(validUntil: Timestamp, what: String, subject: String) throws(RootcellarError) {
        guard effective < validUntil else {
            let days = (effective.seconds - validUntil.seconds) / 86400
            let hint =
                isBehind
                ? "this machine's clock is behind as well; set it"
                : days > 30
                    ? "that is \(days) days ago by this machine's clock: is it right? If it is, the server is not kept up, or"
                        + " somebody holds it back"
                    : "the server is not kept up, or somebody holds it back; check this machine's clock too"
            throw RootcellarError(
                .freeze,
                "the \(what) was valid until \(validUntil), here it is \(effective)",
                subject: subject,
                hint: hint
            )
        }
    }
}
