// SPDX-License-Identifier: Apache-2.0

package import Model
import SystemPackage
package import Transfer

/// The server that a command speaks to.
package enum ChosenServer {
    case pinned(PinnedServer)
    case plain(PlainServer)
}

extension ServerSelection {
    /// The server that a command line means. A pin decides before anything that the command line says: what a pinned
    /// server has is always verified.
    ///
    /// - Parameter notice: takes what the user should know about words that lost their meaning.
    /// - Throws: `POLICY`.
    package func choose(
        _ words: ServerWords,
        _ surroundings: Surroundings,
        notice: (String) -> Void
    ) throws(RootcellarError) -> ChosenServer {
        guard words.describesOther else { return .pinned(try server(named: words.address)) }
        let named = words.address ?? configuration.server
        let pinned: PinnedServer?
        if let named {
            pinned = try store.find(try ServerAddress(named))
        } else {
            pinned = try store.all().isEmpty ? nil : try server(named: nil)
        }
        if let pinned {
            var lost: [String] = []
            if words.keyID != nil { lost.append("--keyid") }
            if words.keyring != nil { lost.append("--keyring") }
            if words.simplestreams { lost.append("--simplestreams") }
            if words.noValidate { lost.append("--no-validate") }
            notice(
                "\(lost.joined(separator: ", ")) ignored: \(pinned.address.url) is pinned, so everything is verified"
            )
            return .pinned(pinned)
        }
        let address = try ServerAddress(named ?? Self.stockServer)
        return .plain(
            PlainServer(
                address: address,
                trust: try trust(words, surroundings, notice),
                authorities: words.authorities
            )
        )
    }

    /// How to speak to it.
    package func transferOptions(for server: PlainServer) -> TransferOptions {
        TransferOptions(caFile: server.authorities, proxy: configuration.proxy)
    }

    private func trust(
        _ words: ServerWords,
        _ surroundings: Surroundings,
        _ notice: (String) -> Void
    ) throws(RootcellarError) -> PlainServer.Trust {
        if words.keyID != nil || words.keyring != nil {
            if words.noValidate { notice("--no-validate ignored: there is a key to validate with") }
            let signer = try words.keyID.map { text throws(RootcellarError) in try Fingerprint(text) }
            let (found, keys) = try PlainServerKeys(surroundings).find(signer, keyring: words.keyring)
            return .signatures(by: found, keys: keys)
        }
        if words.simplestreams {
            if words.noValidate { notice("--no-validate ignored: the catalogue has hashes to validate with") }
            return .hashes
        }
        return .nothing
    }
}
