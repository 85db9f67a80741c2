// SPDX-License-Identifier: Apache-2.0

/// Which keys are believed to speak for a server, wherever its tree comes from.
package struct ServerPin: Sendable, Hashable {
    /// Primary keys of which at least one has to have signed the root document at first contact.
    package var fingerprints: [Fingerprint]
    /// The server's name for itself, where it is known.
    package var id: String?
    /// Keys whose signatures count for nothing, whoever names them.
    package var denied: Set<Fingerprint> = []
    /// The address that entity tags are remembered for.
    package var address: String

    /// A pin.
    package init(fingerprints: [Fingerprint], id: String? = nil, denied: Set<Fingerprint> = [], address: String) {
        self.fingerprints = fingerprints
        self.id = id
        self.denied = denied
        self.address = address
    }
}
