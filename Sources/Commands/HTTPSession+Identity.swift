// SPDX-License-Identifier: Apache-2.0

import Client
import Model
import SystemPackage
import Transfer

extension HTTPSession {
    /// A session with a server that wants to know who asks.
    ///
    /// - Parameters:
    ///   - server: https://HOST[:PORT][/PREFIX].
    ///   - ca: a file of certificate authorities in the place of the system's.
    ///   - tokenFile: a file with a token.
    ///   - clientCertificate: a PEM file; the key may be in it.
    /// - Throws: `POLICY` for a token or key that others may read.
    static func identified(
        to server: String,
        ca: String?,
        tokenFile: String?,
        clientCertificate: String?,
        clientKey: String?
    ) throws(RootcellarError) -> HTTPSession {
        var options = TransferOptions(caFile: ca)
        options.clientCertificate = clientCertificate
        options.clientKey = clientKey
        options.token = try tokenFile.map { path throws(RootcellarError) in
            try ServerSelection.readToken(FilePath(path))
        }
        if let key = clientKey ?? clientCertificate {
            try ServerSelection.checkPrivate(FilePath(key), "client key")
        }
        return try HTTPSession(server: ServerAddress(server), options: options)
    }
}
