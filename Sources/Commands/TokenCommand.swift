// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ClientCommands
import Model
import Server
import SystemPackage

/// `rootcellar token`: who may read private images, and who may upload.
package struct TokenCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Add, list and remove the tokens of a server",
        subcommands: [Add.self, List.self, Remove.self]
    )

    package init() {}

    /// `token add`.
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it, once",
            discussion: """
                The token is the only line on standard output and is kept nowhere: the file has its hash. A running server
                takes the new list within seconds.
                """
        )

        @Option(help: "The file of tokens; made if it is not there.") private var tokens: String
        @Option(help: "Whose it is; also the common name of a client certificate that counts as this token.")
        private var name: String
        @Option(help: "What it is good for: read or upload.") private var scope: String
        @Option(parsing: .singleValue, help: "Images, such as debian/*/amd64/*; may be given several times.")
        private var image: [String]
        @Option(help: "For how many days.") private var days: Int?
        @Flag(help: "Make no secret: only a client certificate counts.") private var certificate = false

        func validate() throws {
            guard TokenList.Token.Scope(rawValue: scope) != nil else {
                throw ValidationError("--scope is read or upload, not '\(scope)'")
            }
            guard !image.isEmpty else { throw ValidationError("--image is needed; '*' is every image") }
            guard (1...36500).contains(days ?? 1) else { throw ValidationError("--days is from 1 to 36500") }
        }

        func run() throws {
            let now = currentTime()
            let secret = certificate ? nil : BearerToken.random()
            var patterns: [ImagePattern] = []
            for text in image { patterns.append(try ImagePattern(text)) }
            let token = TokenList.Token(
                name: name,
                scope: TokenList.Token.Scope(rawValue: scope) ?? .read,
                images: patterns,
                created: now,
                expires: days.map { now.adding(seconds: Int64($0) * 86400) },
                sha256: secret?.digest
            )
            try TokenFile(FilePath(tokens)).update { list throws(RootcellarError) in try list.add(token) }
            if let secret { say(secret.secret) }
        }
    }

    /// `token list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tokens; the secrets are kept nowhere")

        @Option(help: "The file of tokens.") private var tokens: String
        @Flag(help: "Print JSON.") private var json = false

        private struct Row: Encodable {
            var name: String
            var scope: String
            var images: [String]
            var created: Timestamp
            var expires: Timestamp?
            var hasSecret: Bool
        }

        func run() throws {
            let rows = try TokenFile(FilePath(tokens)).read().tokens.map { token in
                Row(
                    name: token.name,
                    scope: token.scope.rawValue,
                    images: token.images.map(\.description),
                    created: token.created,
                    expires: token.expires,
                    hasSecret: token.sha256 != nil
                )
            }
            if json { return try sayJSON(rows) }
            guard !rows.isEmpty else { return tell("rootcellar: there are no tokens") }
            say(
                table(
                    [["NAME", "SCOPE", "IMAGES", "EXPIRES", "KIND"]]
                        + rows.map { row in
                            [
                                row.name, row.scope, row.images.joined(separator: ","),
                                row.expires?.description ?? "never", row.hasSecret ? "token" : "certificate",
                            ]
                        }
                )
            )
        }
    }

    /// `token remove`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a token; it is worth nothing from then on")

        @Argument(help: "Its name.") private var name: String
        @Option(help: "The file of tokens.") private var tokens: String

        func run() throws {
            try TokenFile(FilePath(tokens)).update { list throws(RootcellarError) in try list.remove(name) }
            tell("rootcellar: the token '\(name)' is removed")
        }
    }
}
