// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
package import SystemPackage
package import Transfer

/// The pinned servers: one file each in `trust.d` of the machine and of the user.
package struct TrustStore: Sendable {
    private let surroundings: Surroundings

    /// The store of these surroundings.
    package init(_ surroundings: Surroundings) { self.surroundings = surroundings }

    /// Where new pins go: the machine's directory for root, the user's own for everybody else.
    ///
    /// - Throws: `POLICY` without a home directory.
    package func directory() throws(RootcellarError) -> FilePath {
        if surroundings.userID == 0, surroundings.namespace.kind == .none {
            return surroundings.systemConfiguration.appending("trust.d")
        }
        guard let own = surroundings.userConfiguration else {
            throw RootcellarError(.policy, "no place to keep trust in", hint: "set HOME")
        }
        return own.appending("trust.d")
    }

    /// Every pinned server and its file; the user's own come last.
    ///
    /// - Throws: `POLICY` for a file that is not well formed, or that others could have written.
    package func all() throws(RootcellarError) -> [(path: FilePath, server: PinnedServer)] {
        var folders = [surroundings.systemConfiguration]
        // Under sudo HOME may still be the user's: root must not believe what a user pinned.
        if let own = surroundings.userConfiguration, !folders.contains(own) { folders.append(own) }
        var servers: [(path: FilePath, server: PinnedServer)] = []
        for folder in folders {
            let directory = folder.appending("trust.d")
            for name in Self.names(directory) where name.hasSuffix(".conf") {
                let path = directory.appending(name)
                guard try isOurs(path) else { continue }
                guard let bytes = try readFile(path, limit: 64 << 10, .policy) else { continue }
                servers.append((path, try PinnedServer(String(decoding: bytes, as: UTF8.self), path: path.string)))
            }
        }
        return servers
    }

    /// The pin of an address; nil if there is none.
    package func find(_ address: ServerAddress) throws(RootcellarError) -> PinnedServer? {
        try all().last { $0.server.address == address }?.server
    }

    /// Writes a pin; one for the same address is replaced.
    ///
    /// - Returns: the file.
    package func add(_ server: PinnedServer) throws(RootcellarError) -> FilePath {
        let directory = try directory()
        try makeDirectories(directory, .policy)
        let path = directory.appending(server.fileName)
        try replaceFile(path, Array(server.fileText.utf8), .policy)
        return path
    }

    /// Removes the pins of an address.
    ///
    /// - Returns: the files that were removed.
    package func remove(_ address: ServerAddress) throws(RootcellarError) -> [FilePath] {
        let paths = try all().filter { $0.server.address == address }.map(\.path)
        for path in paths { removeFile(path) }
        return paths
    }

    /// A file that another user could change is no decision of this one. Inside a namespace the owner is whoever the
    /// map shows, so only the write bits say anything there.
    private func isOurs(_ path: FilePath) throws(RootcellarError) -> Bool {
        let status: ObjectStatus
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
            defer { try? file.close() }
            status = try file.status()
        } catch {
            throw RootcellarError(.policy, "cannot read a pinned server: \(error)", subject: path.string)
        }
        guard status.mode & 0o022 == 0 else {
            throw RootcellarError(
                .policy,
                "others may write to a pinned server's file",
                subject: path.string,
                hint: "chmod go-w \(path.string)"
            )
        }
        guard surroundings.namespace.kind == .none else { return true }
        return status.uid == 0 || status.uid == surroundings.userID
    }

    private static func names(_ directory: FilePath) -> [String] {
        guard let opened = try? FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
        else { return [] }
        defer { try? opened.close() }
        return ((try? opened.names()) ?? []).map { String(decoding: $0, as: UTF8.self) }
    }
}
