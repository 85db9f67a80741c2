// SPDX-License-Identifier: Apache-2.0

/// How a command line names a server, and how one that is not pinned is to be believed.
package struct ServerWords: Sendable, Equatable {
    /// HOST[:PORT][/PREFIX]; nil for the configured or the only pinned one.
    package var address: String?
    /// The fingerprint of the key that signs the server's files one by one.
    package var keyID: String?
    /// A file with that key.
    package var keyring: String?
    /// Whether the server's simplestreams catalogue and its hashes are used.
    package var simplestreams = false
    /// Whether files are taken that nobody signed.
    package var noValidate = false
    /// A file of certification authorities to believe instead of the system's.
    package var authorities: String?

    /// No words.
    package init() {}

    /// Whether anything is said about a server that is not pinned.
    var describesOther: Bool { keyID != nil || keyring != nil || simplestreams || noValidate }
}
