// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Model
import Transfer

/// Where images are sent to, and who sends them.
struct UploadDestination: ParsableArguments {
    @Option(help: "Send the images to this server, https://HOST[:PORT][/PATH].") var to: String?
    @Option(help: "A file with the token that the server wants to see; only its owner may read it.")
    private var tokenFile: String?
    @Option(help: "A file of certification authorities to believe instead of the system's.") private var ca: String?
    @Option(help: "A PEM file with the certificate that the server wants to see.") private var clientCert: String?
    @Option(help: "Its key, which only its owner may read.") private var clientKey: String?

    func validate() throws {
        guard to != nil || (tokenFile == nil && ca == nil && clientCert == nil && clientKey == nil) else {
            throw ValidationError("--token-file, --ca, --client-cert and --client-key belong to --to")
        }
        guard to == nil || tokenFile != nil || clientCert != nil else {
            throw ValidationError("--to needs --token-file or --client-cert: no server takes uploads of anybody")
        }
    }

    /// The words of `rootcellar publish` that say the same; none without a server.
    var words: [String] {
        [
            ("--to", to), ("--token-file", tokenFile), ("--ca", ca), ("--client-cert", clientCert),
            ("--client-key", clientKey),
        ]
        .flatMap { word, value in value.map { [word, $0] } ?? [] }
    }

    /// A session with the server.
    ///
    /// - Throws: `POLICY` for a token or key that others may read.
    func session() throws(RootcellarError) -> HTTPSession {
        try .identified(
            to: to ?? "",
            ca: ca,
            tokenFile: tokenFile,
            clientCertificate: clientCert,
            clientKey: clientKey
        )
    }
}
