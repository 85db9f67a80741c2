// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import Synchronization
package import SystemPackage

/// The certificate and key that new connections are shown: those of two files, read again when these change, or one pair
/// for good. A connection keeps what it began with.
package final class CurrentIdentity: Sendable {
    private struct State {
        var identity: ServerIdentity
        var watch: FileWatch
    }

    private let state: Mutex<State>
    private let files: (certificate: FilePath, key: FilePath)?

    /// The pair in use.
    package var current: ServerIdentity { state.withLock { $0.identity } }

    /// A pair that is in no file, or in files that are not looked at again.
    package init(_ identity: ServerIdentity) {
        state = Mutex(State(identity: identity, watch: FileWatch([])))
        files = nil
    }

    /// The pair of two PEM files.
    ///
    /// - Throws: `POLICY` as `ServerIdentity` does.
    package init(certificate: FilePath, key: FilePath) throws {
        let watch = FileWatch([certificate, key])
        state = Mutex(State(identity: try ServerIdentity(certificate: certificate, key: key), watch: watch))
        files = (certificate, key)
    }

    /// Reads the files again if they have changed; blocks.
    ///
    /// - Returns: the new pair; nil if nothing has changed.
    /// - Throws: `POLICY` for files that cannot be used, once for each change; the old pair stays.
    func reload() throws -> ServerIdentity? {
        guard let files, state.withLock({ $0.watch.hasChanged() }) else { return nil }
        let identity = try ServerIdentity(certificate: files.certificate, key: files.key)
        state.withLock { $0.identity = identity }
        return identity
    }

    /// A configuration that shows each connection what is in use when it begins.
    var tlsConfiguration: TLSConfiguration {
        var configuration = current.tlsConfiguration
        configuration.sslContextCallback = { [self] _, promise in
            let identity = current
            var change = NIOSSLContextConfigurationOverride()
            change.certificateChain = identity.chain.map { .certificate($0) }
            change.privateKey = .privateKey(identity.privateKey)
            promise.succeed(change)
        }
        return configuration
    }
}
