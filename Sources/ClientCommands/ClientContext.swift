// SPDX-License-Identifier: Apache-2.0

import Client
import Model
import Transfer

/// What every client command begins with: surroundings, settings, cache and pins.
struct ClientContext {
    let surroundings: Surroundings
    let configuration: Configuration
    let layout: CacheLayout
    let store: TrustStore
    let selection: ServerSelection

    init() throws(RootcellarError) {
        surroundings = .current()
        configuration = try .load(surroundings)
        layout = try CacheLayout(surroundings, configuration)
        store = TrustStore(surroundings)
        selection = ServerSelection(store, configuration)
    }

    /// Asks a pinned server what is in force.
    func ask(_ server: PinnedServer) throws(RootcellarError) -> TrustedServer {
        let trusted = try TrustedServer.ask(
            server,
            layout: layout,
            now: surroundings.now,
            options: try selection.transferOptions(for: server),
            allowStale: true,
            warn: { tell("rootcellar: warning: \($0)") }
        )
        if let offline = trusted.offline { tell("rootcellar: warning: \(offline.description)") }
        return trusted
    }
}
