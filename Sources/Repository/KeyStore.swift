// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Model
import OpenPGP
package import SystemPackage

/// A publisher's keys: a directory that holds a GnuPG home and says which key has which role.
package struct KeyStore: Sendable {
    /// The directory.
    package let directory: FilePath
    /// The publisher's name, as it stands in the user ids of the keys.
    package let name: String
    private let fingerprints: [Role: Fingerprint]

    /// Signs root documents; what clients pin.
    package let root: Fingerprint
    /// Signs manifests, and the files that older clients check.
    package let release: Fingerprint
    /// Signs pointers.
    package let freshness: Fingerprint

    private static let rolesFile = "roles.json"
    private static let homeName = "gnupg"
    private static let unfinished = ".new"

    /// Makes a directory with three new Ed25519 keys, one for each role.
    ///
    /// - Parameter name: who publishes, at most 64 characters; it becomes part of the keys' user ids.
    /// - Throws: `POLICY` if there are keys or other things already, or the name cannot be one; `SIGNATURE` if no key
    ///   can be made.
    package static func initialise(directory: FilePath, name: String) throws(RootcellarError) -> KeyStore {
        guard !name.isEmpty, name.unicodeScalars.count <= 64, trimmed(name) == name,
            !name.unicodeScalars.contains(where: { isUnprintable($0) || "<>()@".unicodeScalars.contains($0) })
        else {
            throw RootcellarError(
                .policy,
                "not a publisher's name",
                subject: "'\(name)'",
                hint: "use up to 64 characters, without < > ( ) @"
            )
        }
        try Disk.makeDirectory(directory, mode: 0o700)
        let new = directory.appending(unfinished)
        try Disk.remove(new)
        if let other = try Disk.members(directory).min() {
            let isStore = FileManager.default.fileExists(atPath: directory.appending(rolesFile).string)
            throw RootcellarError(
                .policy,
                isStore ? "there are keys already" : "the directory is not empty ('\(other)')",
                subject: directory.string,
                hint: "give a new directory; keys are never overwritten"
            )
        }
        try Disk.makeDirectory(new, mode: 0o700)
        let home = try KeyHome(directory: new.appending(homeName))
        defer { home.close() }
        var fingerprints: [Role: Fingerprint] = [:]
        for role in Role.allCases { fingerprints[role] = try home.makeKey(userID: "\(name) (\(role.rawValue))") }
        let roles = KeyRoles(name: name, roles: fingerprints.mapValues { [$0] })
        try Disk.write(try roles.canonicalBytes(), to: new.appending(rolesFile), mode: 0o600)
        try Disk.syncDirectory(new)
        for member in [homeName, rolesFile] { try Disk.rename(new.appending(member), to: directory.appending(member)) }
        try Disk.remove(new)
        try Disk.syncDirectory(directory)
        return try open(directory: directory)
    }

    /// Opens what `initialise` made.
    ///
    /// - Throws: `POLICY` if it is not such a directory.
    package static func open(directory: FilePath) throws(RootcellarError) -> KeyStore {
        let path = directory.appending(rolesFile)
        guard let bytes = try? Disk.read(path, limit: 64 << 10) else {
            throw RootcellarError(
                .policy,
                "there are no keys",
                subject: directory.string,
                hint: "make them with 'rootcellar key init --keys \(directory) --name NAME'"
            )
        }
        let roles = try KeyRoles(verified: bytes, subject: path.string)
        return try KeyStore(directory: directory, roles: roles)
    }

    private init(directory: FilePath, roles: KeyRoles) throws(RootcellarError) {
        func only(_ role: Role) throws(RootcellarError) -> Fingerprint {
            guard let keys = roles.roles[role], keys.count == 1 else {
                throw RootcellarError(
                    .policy,
                    "there has to be one key for the role '\(role.rawValue)'",
                    subject: directory.string
                )
            }
            return keys[0]
        }
        self.directory = directory
        name = roles.name
        root = try only(.root)
        release = try only(.release)
        freshness = try only(.freshness)
        fingerprints = [.root: root, .release: release, .freshness: freshness]
    }

    /// The key that has `role`.
    package func fingerprint(_ role: Role) -> Fingerprint { fingerprints[role] ?? root }

    /// The armored public key that has `role`.
    ///
    /// - Throws: `SIGNATURE` if the key is gone.
    package func export(_ role: Role) throws(RootcellarError) -> [UInt8] {
        let home = try openHome()
        defer { home.close() }
        return try home.exportPublic(fingerprint(role))
    }

    /// The secret keys, ready to sign.
    func openHome() throws(RootcellarError) -> KeyHome {
        try KeyHome(directory: directory.appending(Self.homeName))
    }
}

/// Which key has which role.
struct KeyRoles: Document {
    static let title = "list of key roles"
    var format = documentFormat
    var name: String
    var roles: [Role: [Fingerprint]]

    init(name: String, roles: [Role: [Fingerprint]]) {
        self.name = name
        self.roles = roles
    }
}
