// SPDX-License-Identifier: Apache-2.0

package import Archive
import FoundationEssentials
package import Model
package import OpenPGP
package import SystemPackage

/// A publisher's keys: a directory that holds a GnuPG home and says which key has which role.
package struct KeyStore: Sendable {
    /// The directory.
    package let directory: FilePath
    /// The publisher's name, as it stands in the user ids of the keys.
    package let name: String
    /// Who tells the passphrases of secret keys.
    package var unlock = KeyUnlock.nobody
    private let roles: KeyRoles

    /// Signs root documents; what clients pin.
    package var root: Fingerprint { fingerprint(.root) }
    /// Signs manifests, and the files that older clients check.
    package var release: Fingerprint { fingerprint(.release) }
    /// Signs pointers.
    package var freshness: Fingerprint { fingerprint(.freshness) }

    private static let rolesFile = "roles.json"
    private static let homeName = "gnupg"
    private static let unfinished = ".new"

    /// The most keys that a role may have here: what all their signatures fit into.
    static let mostKeys = 4

    /// Makes a directory with new Ed25519 keys: one for each role, or several for the role `root`, without a passphrase.
    ///
    /// Parameters and errors as for the other form.
    package static func initialise(
        directory: FilePath,
        name: String,
        rootKeys: Int = 1,
        rootThreshold: Int = 1
    ) throws(RootcellarError) -> KeyStore {
        var plan = KeyPlan()
        plan.rootKeys = rootKeys
        plan.rootThreshold = rootThreshold
        return try initialise(directory: directory, name: name, plan: plan, unlock: .nobody)
    }

    /// Makes a directory of keys.
    ///
    /// - Parameters:
    ///   - name: who publishes, at most 64 characters; it becomes part of the keys' user ids.
    ///   - plan: which keys.
    ///   - unlock: who tells the passphrase that new keys get, if they get one.
    /// - Throws: `POLICY` if there are keys or other things already, or the name cannot be one; `SIGNATURE` if no key
    ///   can be made.
    package static func initialise(
        directory: FilePath,
        name: String,
        plan: KeyPlan,
        unlock: KeyUnlock
    ) throws(RootcellarError) -> KeyStore {
        try plan.check()
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
        return try fill(directory) { new throws(RootcellarError) in
            let home = try KeyHome(directory: new.appending(homeName), unlock: unlock)
            defer { home.close() }
            var roles = KeyRoles(name: name, roles: [:], thresholds: [.root: plan.rootThreshold])
            roles.isProtected = plan.isProtected ? true : nil
            for role in Role.allCases where plan.roles.contains(role) {
                let others = plan.keys[role] ?? NewKeys()
                let count = role == .root ? plan.rootKeys : 1
                let made = try makeKeys(others, count, role, name: name, isProtected: plan.isProtected, home: home)
                roles.roles[role] = made
                roles.use(others)
            }
            try plan.checkThreshold(roles.roles[.root]?.count)
            return roles
        }
    }

    /// Makes another directory with the same keys, in which only some roles' secret halves are.
    ///
    /// - Throws: `POLICY` if there is something in it, `SIGNATURE` if a secret half is not here.
    package func share(_ shared: [Role], to target: FilePath) throws(RootcellarError) {
        _ = try Self.fill(target) { new throws(RootcellarError) in
            let home = try openHome()
            defer { home.close() }
            let keys = shared.flatMap(fingerprints).filter { roles.homes?[$0.hex] == nil }
            try home.copy(secretsOf: keys, to: new.appending(Self.homeName))
            var next = roles
            let kept = Set(shared.flatMap(fingerprints).map(\.hex))
            next.homes = roles.homes?.filter { kept.contains($0.key) }
            return next
        }
    }

    /// Makes a directory complete or not at all: what an interrupted call left is made anew.
    private static func fill(
        _ directory: FilePath,
        _ make: (FilePath) throws(RootcellarError) -> KeyRoles
    ) throws(RootcellarError) -> KeyStore {
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
        let roles = try make(new)
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
        guard !roles.roles.isEmpty, roles.roles.values.allSatisfy({ !$0.isEmpty }) else {
            throw RootcellarError(.policy, "there has to be a key for every role", subject: directory.string)
        }
        self.directory = directory
        self.roles = roles
        name = roles.name
    }

    /// The keys that have `role`: those of the tree, and while they are being changed the next ones as well.
    package func fingerprints(_ role: Role) -> [Fingerprint] { roles.roles[role] ?? [] }

    /// The first of the keys that have `role`; only for a role that has one here, see `require`.
    package func fingerprint(_ role: Role) -> Fingerprint { fingerprints(role)[0] }

    /// - Throws: `POLICY` if there is no key of a role here.
    package func require(_ required: [Role]) throws(RootcellarError) {
        guard let role = required.first(where: { fingerprints($0).isEmpty }) else { return }
        throw RootcellarError(
            .policy,
            "there is no key for the role '\(role.rawValue)' here",
            subject: directory.string,
            hint: "give the directory that has one"
        )
    }

    /// What was signed with these keys.
    package var audit: AuditLog { AuditLog(path: directory.appending("audit.log")) }

    /// How many keys of `role` have to sign in a new tree.
    func threshold(_ role: Role) -> Int { roles.thresholds?[role] ?? 1 }

    /// The keys of `role` that are here and that `root` names, in its order.
    func signers(_ role: Role, in root: RootDocument) throws(RootcellarError) -> [Fingerprint] {
        let own = Set(fingerprints(role))
        return try root.keys(of: role).fingerprints.filter(own.contains)
    }

    /// The same keys with other ones for some roles, written down so that a crash loses none.
    func replacing(
        _ changed: [Role: [Fingerprint]],
        using others: NewKeys = NewKeys()
    ) throws(RootcellarError) -> KeyStore {
        var next = roles
        next.roles.merge(changed.filter { !$0.value.isEmpty }) { $1 }
        next.use(others)
        let temporary = directory.appending(Self.rolesFile + Self.unfinished)
        try Disk.write(try next.canonicalBytes(), to: temporary, mode: 0o600)
        try Disk.rename(temporary, to: directory.appending(Self.rolesFile))
        try Disk.syncDirectory(directory)
        var store = try KeyStore(directory: directory, roles: next)
        store.unlock = unlock
        return store
    }

    /// New keys for a role: those given, or as many as wanted are made. They have no meaning until a root document names
    /// them.
    static func makeKeys(
        _ others: NewKeys,
        _ count: Int,
        _ role: Role,
        name: String,
        isProtected: Bool,
        home: KeyHome
    ) throws(RootcellarError) -> [Fingerprint] {
        guard others.isEmpty else { return try others.add(to: home) }
        var made: [Fingerprint] = []
        for number in 0..<count {
            let suffix = count == 1 ? "" : " \(number + 1)"
            made.append(
                try home.makeKey(userID: "\(name) (\(role.rawValue)\(suffix))", isProtected: isProtected)
            )
        }
        return made
    }

    /// New keys for a role of a tree, as those of this directory are.
    func makeKeys(
        _ others: NewKeys,
        _ count: Int,
        _ role: Role,
        home: KeyHome
    ) throws(RootcellarError) -> [Fingerprint] {
        let isProtected = roles.isProtected ?? false
        return try Self.makeKeys(others, count, role, name: name, isProtected: isProtected, home: home)
    }

    /// - Throws: `POLICY` for a number of keys or a threshold that makes no sense.
    static func checkCount(_ count: Int, threshold: Int) throws(RootcellarError) {
        guard (1...mostKeys).contains(count), (1...count).contains(threshold) else {
            throw RootcellarError(
                .policy,
                "\(threshold) of \(count) keys cannot be asked for",
                hint: "a role has 1 to \(mostKeys) keys, of which at least one and at most all have to sign"
            )
        }
    }

    /// The armored public key that has `role`.
    ///
    /// - Throws: `SIGNATURE` if the key is gone.
    package func export(_ role: Role) throws(RootcellarError) -> [UInt8] {
        try require([role])
        let home = try openHome()
        defer { home.close() }
        return try home.exportPublic(fingerprint(role))
    }

    /// The secret keys, ready to sign.
    func openHome() throws(RootcellarError) -> KeyHome {
        var elsewhere: [Fingerprint: FilePath] = [:]
        for (key, place) in roles.homes ?? [:] { elsewhere[try Fingerprint(key)] = FilePath(place) }
        return try KeyHome(directory: directory.appending(Self.homeName), unlock: unlock, elsewhere: elsewhere)
    }
}

/// Which key has which role.
struct KeyRoles: Document {
    static let title = "list of key roles"
    var format = documentFormat
    var name: String
    var roles: [Role: [Fingerprint]]
    /// How many of them have to sign, in a tree that is begun with them; 1 where nothing is said. A tree that exists
    /// says so itself.
    var thresholds: [Role: Int]?
    /// Whether new keys get a passphrase.
    var isProtected: Bool?
    /// The GnuPG homes of keys whose secret half is not in this directory.
    var homes: [String: String]?

    init(name: String, roles: [Role: [Fingerprint]], thresholds: [Role: Int]) {
        self.name = name
        self.roles = roles
        self.thresholds = thresholds
    }

    mutating func use(_ others: NewKeys) {
        for used in others.used { homes = (homes ?? [:]).merging([used.fingerprint.hex: used.home.string]) { $1 } }
    }
}
