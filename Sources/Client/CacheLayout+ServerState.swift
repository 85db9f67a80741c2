// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

extension CacheLayout {
    /// Reads what is remembered of a server; nil at first contact.
    ///
    /// - Throws: `CACHE` if it cannot be read. It is not begun anew by itself: that would let whoever damages the file
    ///   roll the server back.
    func readState(of name: String) throws(RootcellarError) -> ServerState? {
        let path = server(name)
        guard let bytes = try readFile(path, limit: 1 << 20, .cache) else { return readSharedState(of: name) }
        do throws(RootcellarError) {
            return try ServerState(verified: bytes, subject: path.string)
        } catch {
            throw RootcellarError(
                .cache,
                error.reason,
                subject: path.string,
                hint: "'rootcellar trust reset URL' begins anew with this server and forgets what it has shown before"
            )
        }
    }

    /// What the cache that is only read remembers of a server, if nobody but root or the caller could have written it:
    /// then an image that came with its cache knows as much as if it had asked the server itself.
    private func readSharedState(of name: String) -> ServerState? {
        guard let path = sharedRoot?.appending("servers/\(name).json"),
            let directory = try? FileDescriptor.open(
                path.removingLastComponent(),
                .readOnly,
                options: [.directory, .closeOnExec, .noFollow]
            )
        else { return nil }
        defer { try? directory.close() }
        guard let status = try? directory.status(), (try? CacheOwners.current.check(status, path)) != nil,
            let file = try? directory.status(of: "\(name).json".utf8), CacheOwners.current.accepts(file.uid),
            file.mode & 0o022 == 0, let bytes = try? readFile(path, limit: 1 << 20, .cache)
        else { return nil }
        return try? ServerState(verified: bytes, subject: path.string)
    }

    /// Remembers the state of a server.
    func writeState(_ state: ServerState, of name: String) throws(RootcellarError) {
        try replace(server(name), by: try state.canonicalBytes())
    }
}

extension CacheLayout {
    /// Removes what is remembered of a server.
    package func forget(_ name: String) { removeFile(server(name)) }
}
