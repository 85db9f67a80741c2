// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Hummingbird
import Model

/// Answers for the server itself: `/healthz` and `/metrics`.
struct StatusResponder: Sendable {
    let catalogue: Catalogue
    let counters: Counters
    let connections: ConnectionTable
    let identity: CurrentIdentity?

    /// The end of the certificate that is shown now.
    private var certificateEnd: Timestamp? { identity?.current.validUntil }

    private func state() async -> Result<TreeState, any Error> {
        do { return .success(try await catalogue.current()) } catch { return .failure(error) }
    }

    /// 200 while clients can work, 503 when they cannot.
    func health(isHead: Bool) async -> Response {
        let report = HealthReport(await state(), certificate: certificateEnd, now: .now)
        let isServing = report.status == .ok || report.status == .degraded
        return .small(
            isServing ? .ok : .serviceUnavailable,
            type: "application/json",
            Self.json(report),
            isHead: isHead
        )
    }

    func metrics(isHead: Bool) async -> Response {
        let text = MetricsText(
            counters.figures,
            openConnections: connections.count,
            state: try? await state().get(),
            certificate: certificateEnd,
            now: .now
        )
        return .small(.ok, type: MetricsText.type, text.text, isHead: isHead)
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: (try? encoder.encode(value)) ?? Data("{}".utf8), as: UTF8.self) + "\n"
    }
}
