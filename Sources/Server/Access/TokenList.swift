// SPDX-License-Identifier: Apache-2.0

package import Model

/// Who may do what on a server: one entry for each token. The tokens themselves are not in it, only what they hash to, so
/// that nobody who reads the file can use it.
package struct TokenList: Document {
    package static let title = "token list"
    package var format = documentFormat
    package var tokens: [Token] = []

    /// One token.
    package struct Token: Codable, Sendable, Equatable {
        /// What a token is good for.
        package enum Scope: String, Codable, Sendable, CaseIterable {
            case read
            case upload
        }

        /// Whose it is; the common name of a client certificate that counts as this token.
        package var name: String
        package var scope: Scope
        /// The images that it is for.
        package var images: [ImagePattern]
        package var created: Timestamp
        /// From when on it is worth nothing; nil for never.
        package var expires: Timestamp?
        /// SHA-256 of the token; nil where only a certificate counts.
        package var sha256: SHA256Digest?

        /// An entry of a list.
        package init(
            name: String,
            scope: Scope,
            images: [ImagePattern],
            created: Timestamp,
            expires: Timestamp? = nil,
            sha256: SHA256Digest? = nil
        ) {
            self.name = name
            self.scope = scope
            self.images = images
            self.created = created
            self.expires = expires
            self.sha256 = sha256
        }

        /// Whether it is meant for an image.
        func includes(_ image: ImageName) -> Bool { images.contains { $0.matches(image) } }

        /// Whether it is worth something.
        func isValid(at now: Timestamp) -> Bool { expires.map { now < $0 } ?? true }
    }

    /// A list without tokens.
    package init() {}

    /// The most tokens, and the most bytes of the file.
    static let most = 10_000
    static let limit = 8 << 20

    /// Adds a token.
    ///
    /// - Throws: `POLICY` if the name cannot be one or is taken.
    package mutating func add(_ token: Token) throws(RootcellarError) {
        guard Self.isName(token.name) else {
            throw RootcellarError(
                .policy,
                "not a name for a token",
                subject: "'\(token.name)'",
                hint: "use 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or digit"
            )
        }
        guard !tokens.contains(where: { $0.name == token.name }) else {
            throw RootcellarError(
                .policy,
                "there is a token of this name",
                subject: token.name,
                hint: "remove it first"
            )
        }
        guard tokens.count < Self.most else { throw RootcellarError(.policy, "\(Self.most) tokens are the most") }
        tokens.append(token)
    }

    /// Removes a token.
    ///
    /// - Throws: `POLICY` if there is none of that name.
    package mutating func remove(_ name: String) throws(RootcellarError) {
        guard let index = tokens.firstIndex(where: { $0.name == name }) else {
            let near = nearestName(to: name, among: tokens.map(\.name))
            throw RootcellarError(
                .policy,
                "no token of this name",
                subject: name,
                hint: near.map { "did you mean '\($0)'?" }
            )
        }
        tokens.remove(at: index)
    }

    /// The entry of a token that somebody shows. All hashes are compared, each to its end, so that the time says nothing.
    func token(_ shown: BearerToken) -> Token? {
        let digest = shown.digest
        var found: Token?
        for token in tokens {
            guard let sha256 = token.sha256 else { continue }
            let difference = zip(digest.bytes, sha256.bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
            if difference == 0 { found = token }
        }
        return found
    }

    /// The entry that a certificate of this common name counts as.
    func token(commonName: String) -> Token? { tokens.first { $0.name == commonName } }

    private static func isName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard let first = bytes.first, isAlphanumeric(first), bytes.count <= 64 else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || [0x2E, 0x5F, 0x40, 0x2D].contains($0) }
    }
}
