// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client
import Glibc
import Model
import SystemPackage
import Transfer

/// `rootcellar trust`: which servers' keys are believed.
package struct TrustCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Pin, show, list and unpin servers",
        subcommands: [Add.self, Show.self, List.self, Remove.self, Reset.self]
    )

    package init() {}

    /// `trust add`.
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pin a server by the fingerprint of its root key",
            discussion: """
                The fingerprint comes from the server's operator by another way than the server itself. The server is asked
                once: nothing is written unless everything from its root key down to its list of images is in order.
                """
        )

        @Argument(help: "https://HOST[:PORT][/PREFIX]") private var url: String
        @Option(help: "All 40 or 64 hex digits; may be given several times.") private var fingerprint: [String]
        @Option(help: "A file of certification authorities to believe instead of the system's.") private var ca: String?
        @Option(help: "Another address of the same tree; may be given several times.") private var mirror: [String] = []
        @Option(help: "A PEM file with the certificate that the server wants to see.") private var clientCert: String?
        @Option(help: "Its key, which only its owner may read.") private var clientKey: String?
        @Option(help: "A file with the token that the server wants to see; only its owner may read it.")
        private var tokenFile: String?

        func run() throws {
            let context = try ClientContext()
            var fingerprints: [Fingerprint] = []
            for text in fingerprint { fingerprints.append(try Fingerprint(text)) }
            var server = PinnedServer(address: try ServerAddress(url), fingerprints: fingerprints)
            server.certificateAuthorities = try ca.map(absolute)
            for text in mirror { server.mirrors.append(try ServerAddress(text)) }
            server.clientCertificate = try clientCert.map(absolute)
            server.clientKey = try clientKey.map(absolute)
            server.tokenFile = try tokenFile.map(absolute)
            let pinned = try Pinning.add(
                server,
                store: context.store,
                layout: context.layout,
                surroundings: context.surroundings,
                options: try context.selection.transferOptions(for: server),
                warn: { tell("rootcellar: warning: \($0)") }
            )
            tell(
                "rootcellar: \(pinned.address.url) is '\(pinned.id ?? "?")' and pinned to \(fingerprints.map(\.hex).joined(separator: ", "))"
            )
        }

        /// The file is named in the pin, so it must mean the same from every directory.
        private func absolute(_ text: String) throws(RootcellarError) -> String {
            guard let resolved = unsafe realpath(text, nil) else {
                throw RootcellarError(.policy, "no such file", subject: text)
            }
            defer { unsafe free(resolved) }
            return unsafe String(cString: resolved)
        }
    }

    /// `trust list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List pinned servers")

        @Flag(help: "Print JSON.") private var json = false

        private struct Row: Encodable {
            var url: String
            var id: String?
            var fingerprints: [String]
            var file: String
        }

        func run() throws {
            let rows = try ClientContext().store.all().map { path, server in
                Row(
                    url: server.address.url,
                    id: server.id,
                    fingerprints: server.fingerprints.map(\.hex),
                    file: path.string
                )
            }
            if json { return try sayJSON(rows) }
            guard !rows.isEmpty else { return tell("rootcellar: no server is pinned") }
            say(
                table(
                    [["SERVER", "NAME", "ROOT KEY"]]
                        + rows.map { [$0.url, $0.id ?? "-", $0.fingerprints.joined(separator: ",")] }
                )
            )
        }
    }

    /// `trust remove`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Unpin a server")

        @Argument(help: "https://HOST[:PORT][/PREFIX]") private var url: String

        func run() throws {
            let address = try ServerAddress(url)
            let context = try ClientContext()
            let pinned = try context.store.find(address)
            guard let pinned, try !context.store.remove(address).isEmpty else {
                throw RootcellarError(.policy, "not pinned", subject: address.url, hint: "see rootcellar trust list")
            }
            context.layout.forget(pinned.stateName)
            tell("rootcellar: \(address.url) is no longer pinned")
        }
    }
}
