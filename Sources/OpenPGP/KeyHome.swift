// SPDX-License-Identifier: Apache-2.0

import CGPGME
import FoundationEssentials
package import Model
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A publisher's secret keys: a GnuPG home directory, of any path length, as gpg itself can use it.
///
/// The engine never works in the directory itself but in a short-lived home of ours, with a link to the secret keys and
/// a copy of the public ones. So the agent's socket always fits into 107 bytes (unix(7)), every instance has an agent
/// of its own that it can end without hurting another's, and nothing but keys is ever left in the directory.
///
/// Blocks; made, used and freed by one job.
package final class KeyHome {
    let directory: FilePath
    private let home: PrivateDirectory
    let context: EngineContext
    private let unlock: KeyUnlock
    /// Where the secret halves of keys are that are not here: homes of somebody's own, each with its own agent.
    private let elsewhere: [Fingerprint: FilePath]
    private var contexts: [FilePath: EngineContext] = [:]
    private var signers: [Fingerprint: EngineKey] = [:]
    private var isClosed = false

    static let rings = ["pubring.kbx", "pubring.gpg"]
    static let secrets = "private-keys-v1.d"
    static let revocations = "openpgp-revocs.d"

    private static let options = """
        no-auto-check-trustdb
        trust-model always
        lock-never
        no-random-seed-file
        disable-dirmngr
        digest-algo SHA512
        cert-digest-algo SHA512
        personal-digest-preferences SHA512 SHA384 SHA256
        weak-digest SHA1

        """

    /// Opens the keys in `directory`, which is made (mode 0700) if it does not exist.
    ///
    /// - Parameters:
    ///   - unlock: who tells passphrases.
    ///   - elsewhere: keys whose secret half is used in another GnuPG home, through its own agent: on a token, say.
    /// - Throws: `POLICY` if it is not a directory of this user that nobody else may enter; `SIGNATURE` if the engine
    ///   does not run.
    package init(
        directory: FilePath,
        unlock: KeyUnlock = .nobody,
        elsewhere: [Fingerprint: FilePath] = [:]
    ) throws(RootcellarError) {
        self.directory = directory
        self.unlock = unlock
        self.elsewhere = elsewhere
        try Self.prepare(directory)
        home = try PrivateDirectory()
        for name in [Self.secrets, Self.revocations] {
            let target = directory.appending(name)
            try Self.make(target)
            try home.link(name, to: Self.absolute(target))
        }
        for name in Self.rings {
            if let bytes = try Self.read(directory.appending(name)) { try home.write(bytes, to: name) }
        }
        try home.write(Array(Self.options.utf8), to: "gpg.conf")
        context = try EngineContext(home: home, program: nil, unlock: unlock, subject: directory.string)
    }

    /// Ends the agent and removes the short-lived home; the keys stay. Called by `deinit` too.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        EngineProcesses.kill(naming: home.path)
        home.remove()
    }

    deinit { close() }

    /// Seconds for one signature.
    var deadline: Int { unlock.deadline }

    /// The short-lived home, for tests.
    var homePath: FilePath { home.path }

    /// Makes an Ed25519 key that can sign and certify and does not expire.
    ///
    /// - Parameter isProtected: whether it gets a passphrase, from whoever tells passphrases here.
    /// - Throws: `SIGNATURE` with the engine's words.
    package func makeKey(userID: String, isProtected: Bool = false) throws(RootcellarError) -> Fingerprint {
        let flags =
            GPGME_CREATE_SIGN | GPGME_CREATE_CERT | GPGME_CREATE_NOEXPIRE | GPGME_CREATE_FORCE
            | (isProtected ? 0 : GPGME_CREATE_NOPASSWD)
        var made: String?
        try context.perform("cannot make a key", subject: userID, seconds: deadline) { raw in
            let code = unsafe gpgme_op_createkey(raw.pointer, userID, "ed25519", 0, 0, nil, UInt32(flags))
            made = unsafe gpgme_op_genkey_result(raw.pointer)?.pointee.fpr.map { unsafe String(cString: $0) }
            return code
        }
        guard let made else { throw RootcellarError(.signature, "gpg made no key", subject: userID) }
        try storeRings()
        return try Fingerprint(made)
    }

    func storeRings() throws(RootcellarError) {
        for name in Self.rings {
            if let bytes = try Self.read(home.path.appending(name)) { try store(bytes, as: name) }
        }
    }

    /// The armored public key, without other people's signatures on it.
    ///
    /// - Throws: `SIGNATURE` if there is no such key.
    package func exportPublic(_ fingerprint: Fingerprint) throws(RootcellarError) -> [UInt8] {
        let output = try EngineData()
        try context.perform("cannot export the public key", subject: fingerprint.hex) { raw in
            unsafe gpgme_op_export(raw.pointer, fingerprint.hex, UInt32(GPGME_EXPORT_MODE_MINIMAL), output.raw)
        }
        let bytes = output.bytes()
        guard !bytes.isEmpty,
            try PublicKeyBlock.primaryFingerprints(bytes, subject: fingerprint.hex) == [fingerprint]
        else { throw RootcellarError(.signature, "there is no such key in \(directory)", subject: fingerprint.hex) }
        return bytes
    }

    /// Signs `message`: an armored, detached, binary-mode signature over SHA-512.
    ///
    /// - Throws: `SIGNATURE` if the key is missing, its token absent, or the result not of the form we accept.
    package func sign(_ message: [UInt8], by fingerprint: Fingerprint) throws(RootcellarError) -> [UInt8] {
        try sign(EngineData(message), seconds: deadline, by: fingerprint)
    }

    /// Signs a whole file without reading it into memory; its read position is changed.
    ///
    /// Result and errors as for `sign(_:by:)`.
    package func sign(file: FileDescriptor, by fingerprint: Fingerprint) throws(RootcellarError) -> [UInt8] {
        let size: Int64
        do {
            size = try file.seek(offset: 0, from: .end)
            try file.seek(offset: 0, from: .start)
        } catch {
            throw RootcellarError(.signature, "the file to sign cannot be read (\(error))", subject: fingerprint.hex)
        }
        let seconds = deadline + Int(clamping: size / (16 << 20))
        return try sign(EngineData(file), seconds: seconds, by: fingerprint)
    }

    private func sign(
        _ message: EngineData,
        seconds: Int,
        by fingerprint: Fingerprint
    ) throws(RootcellarError) -> [UInt8] {
        let signer = try signer(fingerprint)
        let output = try EngineData()
        var signatures = 0
        try context(of: fingerprint).perform("cannot sign", subject: fingerprint.hex, seconds: seconds) { raw in
            unsafe gpgme_signers_clear(raw.pointer)
            let code = unsafe gpgme_signers_add(raw.pointer, signer.raw)
            guard gpgme_err_code(code) == GPG_ERR_NO_ERROR else { return code }
            let result = unsafe gpgme_op_sign(raw.pointer, message.raw, output.raw, GPGME_SIG_MODE_DETACH)
            var next = unsafe gpgme_op_sign_result(raw.pointer)?.pointee.signatures
            while let signature = unsafe next {
                signatures += 1
                unsafe next = signature.pointee.next
            }
            return result
        }
        let bytes = output.bytes()
        // What we would not accept from others we do not publish.
        guard signatures == 1, try SignaturePackets.check(bytes, subject: fingerprint.hex).count == 1 else {
            throw RootcellarError(
                .signature,
                "gpg made \(signatures) signatures instead of 1",
                subject: fingerprint.hex
            )
        }
        return bytes
    }

    /// Whether the secret half of a key is here.
    package func canSign(_ fingerprint: Fingerprint) -> Bool { (try? signer(fingerprint)) != nil }

    /// Where the secret half of a key is used.
    func context(of fingerprint: Fingerprint) throws(RootcellarError) -> EngineContext {
        guard let place = elsewhere[fingerprint] else { return context }
        if let known = contexts[place] { return known }
        // Its agent is somebody else's and stays; only gpg itself is ended where it hangs.
        let made = try EngineContext(
            home: try PrivateDirectory(),
            program: nil,
            keys: try Self.absolute(place),
            unlock: unlock,
            subject: place.string
        )
        contexts[place] = made
        return made
    }

    func signer(_ fingerprint: Fingerprint) throws(RootcellarError) -> EngineKey {
        if let known = signers[fingerprint] { return known }
        var key: gpgme_key_t?
        do {
            try context(of: fingerprint).perform("", subject: "") { raw in
                unsafe gpgme_get_key(raw.pointer, fingerprint.hex, &key, 1)
            }
        } catch {
            throw RootcellarError(
                .signature,
                "the secret key is not in \(elsewhere[fingerprint] ?? directory)",
                subject: fingerprint.hex,
                hint: "give the directory that 'rootcellar key init' made, or insert the token"
            )
        }
        guard let key = unsafe key else {
            throw RootcellarError(.signature, "the secret key is not in \(directory)", subject: fingerprint.hex)
        }
        let signer = unsafe EngineKey(raw: key)
        signers[fingerprint] = signer
        return signer
    }

    static func prepare(_ directory: FilePath) throws(RootcellarError) {
        try make(directory)
        var status = stat()
        guard unsafe stat(directory.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid(), status.st_mode & 0o077 == 0
        else {
            throw RootcellarError(
                .policy,
                "the directory of secret keys must be yours alone",
                subject: directory.string,
                hint: "chown it to the user who publishes, and chmod it to 0700"
            )
        }
    }

    /// Makes a directory of mode 0700, whatever the umask is; one that exists is left alone.
    static func make(_ directory: FilePath) throws(RootcellarError) {
        guard unsafe mkdir(directory.string, 0o700) == 0 else {
            let error = Errno(rawValue: errno)
            if error == .fileExists { return }
            throw RootcellarError(.policy, "cannot be made (\(error))", subject: directory.string)
        }
        _ = unsafe chmod(directory.string, 0o700)
    }

    static func absolute(_ path: FilePath) throws(RootcellarError) -> FilePath {
        guard let real = unsafe realpath(path.string, nil) else {
            throw RootcellarError(.policy, "cannot be found (\(Errno(rawValue: errno)))", subject: path.string)
        }
        defer { unsafe free(real) }
        return unsafe FilePath(platformString: real)
    }

    static func read(_ path: FilePath) throws(RootcellarError) -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: path.string) else { return nil }
        do { return Array(try Data(contentsOf: URL(filePath: path.string))) } catch {
            throw RootcellarError(.policy, "cannot be read", subject: path.string)
        }
    }

    /// Replaces a public keyring by rename.
    private func store(_ bytes: [UInt8], as name: String) throws(RootcellarError) {
        try Self.store(bytes, as: name, in: directory)
    }

    static func store(_ bytes: [UInt8], as name: String, in directory: FilePath) throws(RootcellarError) {
        let final = directory.appending(name)
        let temporary = directory.appending(".\(name).new")
        do {
            let file = try FileDescriptor.open(
                temporary,
                .writeOnly,
                options: [.create, .truncate, .closeOnExec, .noFollow],
                permissions: [.ownerReadWrite]
            )
            try file.closeAfter {
                _ = fchmod(file.rawValue, 0o600)
                _ = try file.writeAll(bytes)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard unsafe rename(temporary.string, final.string) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            throw RootcellarError(.policy, "cannot be written (\(error))", subject: final.string)
        }
    }
}

/// A key as gpgme knows it.
@safe
final class EngineKey {
    let raw: gpgme_key_t

    @unsafe init(raw: gpgme_key_t) { unsafe self.raw = unsafe raw }

    deinit { unsafe gpgme_key_unref(raw) }
}
