// SPDX-License-Identifier: Apache-2.0

import Model

/// Figures in Prometheus' text format (version 0.0.4 of its exposition formats).
struct MetricsText {
    /// `Content-Type`.
    static let type = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// How a figure behaves.
    enum Kind: String {
        case counter
        case gauge
    }

    /// Adds a metric with its values, each under its labels. The labels are words of ours, which need no escaping.
    mutating func add(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ values: [(labels: String, value: String)]
    ) {
        text += "# HELP rootcellar_\(name) \(help)\n# TYPE rootcellar_\(name) \(kind.rawValue)\n"
        for (labels, value) in values {
            text += "rootcellar_\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
        }
    }

    /// Adds a metric with one value.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
        add(name, kind, help, [("", String(value))])
    }

    /// All metrics of a server.
    init(
        _ figures: Counters.Figures,
        openConnections: Int,
        state: TreeState?,
        certificate: Timestamp?,
        now: Timestamp
    ) {
        add("build_info", .gauge, "The program's version.", [("version=\"\(programVersion)\"", "1")])
        add(
            "requests_total",
            .counter,
            "Requests that were answered, by class of status.",
            figures.responses.enumerated().map { ("class=\"\($0 + 1)xx\"", String($1)) }
        )
        add("response_bytes_total", .counter, "Bytes of response bodies.", figures.bytes)
        add("connections", .gauge, "Open connections.", openConnections)
        add("connections_total", .counter, "Connections that were let in.", figures.connections)
        add(
            "connections_refused_total",
            .counter,
            "Connections from addresses that had too many.",
            figures.refusedConnections
        )
        add("tree_readable", .gauge, "Whether the tree's documents can be read.", state == nil ? 0 : 1)
        var ends: [(String, Timestamp)] = certificate.map { [("certificate", $0)] } ?? []
        if let state {
            add("images", .gauge, "Images in the tree.", state.images.count)
            add("builds", .gauge, "Builds in the tree.", state.builds)
            add("manifest_version", .gauge, "The version of the manifest in force.", state.manifest.version)
            add(
                "last_publish_timestamp_seconds",
                .gauge,
                "When the manifest in force was signed.",
                state.manifest.signedAt.seconds
            )
            add(
                "pointer_signed_timestamp_seconds",
                .gauge,
                "When the pointer in force was signed.",
                state.pointer.signedAt.seconds
            )
            ends += [
                ("manifest", state.manifest.validUntil), ("pointer", state.pointer.validUntil),
                ("root", state.root.expires),
            ]
        }
        add(
            "expiry_days",
            .gauge,
            "Days until a document or the certificate ends; negative once it has.",
            ends.map { ("document=\"\($0)\"", Self.days(from: now, to: $1)) }
        )
    }

    /// Days with two digits behind the point.
    private static func days(from now: Timestamp, to end: Timestamp) -> String {
        let hundredths = (end.seconds - now.seconds) / 864
        let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
        return "\(hundredths < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}
