// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Client

/// Which server a command means, and how one that is not pinned is to be believed.
struct ServerOptions: ParsableArguments {
    @Option(help: "HOST[:PORT][/PREFIX]; default: the configured or the only pinned one.") private var server: String?
    @Option(help: "Fingerprint of the key that signs the files of a server that is not pinned.")
    private var keyid: String?
    @Option(help: "A file with that key.") private var keyring: String?
    @Flag(help: "Use the server's simplestreams catalogue and its hashes.") private var simplestreams = false
    @Flag(help: "Take what nobody has signed.") private var noValidate = false
    @Option(help: "A file of certification authorities to believe instead of the system's.") private var ca: String?

    var words: ServerWords {
        var words = ServerWords()
        words.address = server
        words.keyID = keyid
        words.keyring = keyring
        words.simplestreams = simplestreams
        words.noValidate = noValidate
        words.authorities = ca
        return words
    }
}
