// SPDX-License-Identifier: Apache-2.0

package import Model
package import Transfer

/// Pins a server: speaks to it once, so that a wrong fingerprint is found out now and the server's name is known.
package struct Pinning {
    /// Checks everything from the pinned fingerprint to the manifest and writes the pin.
    ///
    /// - Returns: the pin, with the server's name.
    /// - Throws: whatever the first contact throws; nothing is written then.
    package static func add(
        _ server: PinnedServer,
        store: TrustStore,
        layout: CacheLayout,
        surroundings: Surroundings,
        options: TransferOptions,
        warn: @escaping (String) -> Void = { _ in }
    ) throws(RootcellarError) -> PinnedServer {
        let trusted = try TrustedServer.ask(
            server,
            layout: layout,
            now: surroundings.now,
            options: options,
            allowStale: false,
            warn: warn
        )
        var pinned = server
        pinned.id = trusted.root.server
        // From now on the state is kept under the server's name. A state from an earlier pin stays in force: it may know
        // of newer manifests than this mirror shows.
        if pinned.stateName != server.stateName {
            let state = try layout.readState(of: server.stateName)
            if try layout.readState(of: pinned.stateName) == nil, let state {
                try layout.writeState(state, of: pinned.stateName)
            }
            layout.forget(server.stateName)
        }
        _ = try store.add(pinned)
        return pinned
    }
}
