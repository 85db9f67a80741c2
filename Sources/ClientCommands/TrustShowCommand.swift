// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Client
import Model
import SystemPackage
import Transfer

/// What is known of a pinned server and what has been seen from it, without asking it.
private struct TrustReport: Encodable {
    var format = documentFormat
    var url: String
    var id: String?
    var fingerprints: [String]
    var file: String
    var mirrors: [String]
    var ca: String?
    var clientCertificate: String?
    var tokenFile: String?
    /// What was seen from the server last; nothing before the first contact.
    var seen: Seen?

    struct Seen: Encodable {
        var root: Int
        var rootExpires: String
        var roles: [String: [String]]
        var manifest: Int
        var signedAt: String
        var validUntil: String
        /// Whole days until what was seen may no longer be believed; negative once it may not.
        var daysLeft: Int
        var mirrors: [String]
        var revokedBuilds: Int
        var state: String
    }
}

extension TrustCommand {
    /// `trust show`.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what is pinned and what was seen from it last; no server is asked"
        )

        @Argument(help: "https://HOST[:PORT][/PREFIX]; all pinned servers if not given.") private var url: String?
        @Flag(help: "Print JSON.") private var json = false

        func run() throws {
            let context = try ClientContext()
            let wanted = try url.map { text throws(RootcellarError) in try ServerAddress(text) }
            var reports: [TrustReport] = []
            for (path, server) in try context.store.all() where wanted ?? server.address == server.address {
                reports.append(try report(context, server, path.string))
            }
            if reports.isEmpty {
                if let wanted {
                    throw RootcellarError(.policy, "not pinned", subject: wanted.url, hint: "see rootcellar trust list")
                }
                if !json { return tell("rootcellar: no server is pinned") }
            }
            if json { return try sayJSON(reports) }
            for (number, report) in reports.enumerated() {
                if number > 0 { say("") }
                say(table(rows(report)))
            }
        }

        private func report(
            _ context: ClientContext,
            _ server: PinnedServer,
            _ path: String
        ) throws(RootcellarError) -> TrustReport {
            var report = TrustReport(
                url: server.address.url,
                id: server.id,
                fingerprints: server.fingerprints.map(\.hex),
                file: path,
                mirrors: server.mirrors.map(\.url),
                ca: server.certificateAuthorities,
                clientCertificate: server.clientCertificate,
                tokenFile: server.tokenFile
            )
            guard let seen = try TrustedServer.remembered(server, layout: context.layout) else { return report }
            let end = min(seen.pointer.validUntil, seen.manifest.validUntil, seen.root.expires)
            let left = end.seconds - context.surroundings.now.seconds
            report.seen = TrustReport.Seen(
                root: seen.root.version,
                rootExpires: seen.root.expires.description,
                roles: Dictionary(
                    uniqueKeysWithValues: seen.root.roles.map { ($0.key.rawValue, $0.value.fingerprints.map(\.hex)) }
                ),
                manifest: seen.manifest.version,
                signedAt: seen.pointer.signedAt.description,
                validUntil: end.description,
                daysLeft: Int(left >= 0 ? left / 86400 : -((-left + 86399) / 86400)),
                mirrors: seen.manifest.mirrors ?? [],
                revokedBuilds: seen.manifest.revoked.count,
                state: context.layout.server(server.stateName).string
            )
            return report
        }

        private func rows(_ report: TrustReport) -> [[String]] {
            var rows = [["server", report.url], ["name", report.id ?? "-"]]
            rows += report.fingerprints.map { ["pinned key", $0] }
            rows.append(["pin", report.file])
            rows += report.mirrors.map { ["mirror (pin)", $0] }
            if let ca = report.ca { rows.append(["authorities", ca]) }
            if let certificate = report.clientCertificate { rows.append(["certificate", certificate]) }
            if let token = report.tokenFile { rows.append(["token", token]) }
            guard let seen = report.seen else { return rows + [["seen", "nothing yet"]] }
            rows.append(["root document", "\(seen.root), valid until \(seen.rootExpires)"])
            for role in Role.allCases {
                rows += (seen.roles[role.rawValue] ?? []).map { ["\(role.rawValue) key", $0] }
            }
            let rest = seen.daysLeft < 0 ? "ended" : "\(seen.daysLeft) days left"
            rows += [
                ["manifest", "\(seen.manifest)"], ["signed at", seen.signedAt],
                ["valid until", "\(seen.validUntil) (\(rest))"], ["builds taken back", "\(seen.revokedBuilds)"],
            ]
            rows += seen.mirrors.map { ["mirror (signed)", $0] }
            return rows + [["state", seen.state]]
        }
    }

    /// `trust reset`.
    struct Reset: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget what was seen from a server; the pin stays",
            discussion: """
                Only for a state file that is damaged: from then on the server could show something older than it did
                before. The next contact begins at the pinned key, as the first one did.
                """
        )

        @Argument(help: "https://HOST[:PORT][/PREFIX]") private var url: String

        func run() throws {
            let address = try ServerAddress(url)
            let context = try ClientContext()
            guard let server = try context.store.find(address) else {
                throw RootcellarError(.policy, "not pinned", subject: address.url, hint: "see rootcellar trust list")
            }
            context.layout.forget(server.stateName)
            tell("rootcellar: what was seen from \(address.url) is forgotten; its pin stays")
        }
    }
}
