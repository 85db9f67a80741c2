// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Model
import Repository
import SystemPackage

/// Keys that come into a role and are not made on the spot.
struct NewKeyOptions: ParsableArguments {
    @Option(help: "A file with the public key of somebody who signs on a machine of their own; may be repeated.")
    var publicKey: [String] = []
    @Option(help: "The fingerprint of a key that a GnuPG home has, on a token for example; may be repeated.")
    var useKey: [String] = []
    @Option(help: "That GnuPG home.") var gnupgHome: String?

    func keys() throws(RootcellarError) -> NewKeys {
        var keys = NewKeys()
        for file in publicKey { keys.publicKeys.append(try readSmall(FilePath(file))) }
        for key in useKey { keys.used.append(try usedKey(key, gnupgHome)) }
        return keys
    }
}

/// A key of a GnuPG home.
///
/// - Throws: `USAGE` if no home is given.
func usedKey(_ fingerprint: String, _ home: String?) throws(RootcellarError) -> NewKeys.Used {
    guard let home else { throw RootcellarError(.usage, "--use-key needs --gnupg-home DIR", subject: fingerprint) }
    let path = FilePath(home)
    guard path.isAbsolute else {
        throw RootcellarError(.usage, "a GnuPG home is given by its whole path", subject: home)
    }
    return NewKeys.Used(fingerprint: try Fingerprint(fingerprint), home: path)
}

/// A whole small file that a user names.
func readSmall(_ path: FilePath, limit: Int = 256 << 10) throws(RootcellarError) -> [UInt8] {
    do {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while bytes.count <= limit {
                let count = try unsafe buffer.withUnsafeMutableBytes { unsafe try file.read(into: $0) }
                if count == 0 { return bytes }
                bytes += buffer.prefix(count)
            }
            throw RootcellarError(.size, "more than \(limit) bytes", subject: path.string)
        }
    } catch let error as RootcellarError { throw error } catch {
        throw RootcellarError(.usage, "cannot be read (\(error))", subject: path.string)
    }
}
