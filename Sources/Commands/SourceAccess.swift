// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Model
import Repository
import SystemPackage
import Transfer

/// How another tree is reached, and by what its server knows who asks.
struct SourceAccess: ParsableArguments {
    @Option(help: "A file of certificate authorities in the place of the system's.") private var ca: String?
    @Option(help: "A file with the token that a private server wants to see; only its owner may read it.")
    private var tokenFile: String?
    @Option(help: "A PEM file with the certificate that the server wants to see.") private var clientCert: String?
    @Option(help: "Its key, which only its owner may read.") private var clientKey: String?

    func validate() throws {
        guard clientKey == nil || clientCert != nil else {
            throw ValidationError("--client-key belongs to --client-cert")
        }
    }

    /// The tree at https://HOST[:PORT][/PREFIX] or in a directory.
    ///
    /// - Throws: `POLICY` for a token or key that others may read, `USAGE` for words that a directory has no use for.
    func source(_ text: String) throws(RootcellarError) -> any TreeSource {
        guard text.contains("://") else {
            guard tokenFile == nil, clientCert == nil else {
                throw RootcellarError(.usage, "a directory asks for no token or certificate", subject: text)
            }
            return TreeDirectorySource(FilePath(text))
        }
        return try HTTPSession.identified(
            to: text,
            ca: ca,
            tokenFile: tokenFile,
            clientCertificate: clientCert,
            clientKey: clientKey
        )
    }
}
