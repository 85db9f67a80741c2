// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Model
import OpenPGP
import Repository
import SystemPackage

/// Where the publisher's keys are, and who tells their passphrase.
struct KeyOptions: ParsableArguments {
    @Option(help: "The directory of the publisher's keys; changes of keys need the root key.") var keys: String
    @OptionGroup var passphrase: PassphraseOptions

    /// Opens it.
    func open() throws(RootcellarError) -> KeyStore { try Self.open(keys, passphrase) }

    /// Opens the directory of keys that a command need not be given.
    static func open(_ keys: String, _ passphrase: PassphraseOptions) throws(RootcellarError) -> KeyStore {
        var store = try KeyStore.open(directory: FilePath(keys))
        store.unlock = try passphrase.unlock()
        return store
    }
}

/// Who tells the passphrase of secret keys.
struct PassphraseOptions: ParsableArguments {
    @Option(help: "A file whose first line is the passphrase; readable by its owner alone.") var passphraseFile: String?
    @Option(help: "An open descriptor to read the passphrase from.") var passphraseFd: Int32?

    private static let limit = 1024

    /// Whether a passphrase was given.
    var isGiven: Bool { passphraseFile != nil || passphraseFd != nil }

    func validate() throws {
        guard passphraseFile == nil || passphraseFd == nil else {
            throw ValidationError("a passphrase comes from a file or from a descriptor")
        }
    }

    /// Whoever was named; what systemd hands to a unit; gpg-agent's own question where somebody can answer it; else nobody,
    /// so that nothing hangs.
    func unlock() throws(RootcellarError) -> KeyUnlock {
        if let passphraseFile { return .passphrase(try Self.read(FilePath(passphraseFile))) }
        if let passphraseFd {
            return .passphrase(try Self.line(FileDescriptor(rawValue: passphraseFd), "descriptor \(passphraseFd)"))
        }
        if let credential = try Self.credential() { return .passphrase(credential) }
        return Self.canAsk ? .asking : .nobody
    }

    /// The credential `rootcellar.passphrase` of the unit, systemd.exec(5). Its mode is no measure: systemd lets the unit's
    /// user read it by an ACL, whose mask is shown as the mode of the group.
    private static func credential() throws(RootcellarError) -> [UInt8]? {
        guard let directory = unsafe getenv("CREDENTIALS_DIRECTORY") else { return nil }
        let path = unsafe FilePath(String(cString: directory)).appending("rootcellar.passphrase")
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { try? file.close() }
            return try line(file, path.string)
        } catch let error as RootcellarError { throw error } catch Errno.noSuchFileOrDirectory { return nil } catch {
            throw RootcellarError(.policy, "the passphrase cannot be read (\(error))", subject: path.string)
        }
    }

    /// gpgme tells the agent which terminal standard output is; a graphical pinentry needs none.
    static var canAsk: Bool {
        if isSet("DISPLAY") || isSet("WAYLAND_DISPLAY") { return true }
        return isatty(STDIN_FILENO) == 1 && (isatty(STDOUT_FILENO) == 1 || isSet("GPG_TTY"))
    }

    private static func isSet(_ name: String) -> Bool { unsafe getenv(name) != nil }

    private static func read(_ path: FilePath) throws(RootcellarError) -> [UInt8] {
        let file: FileDescriptor
        do { file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec) } catch {
            throw RootcellarError(.policy, "the passphrase cannot be read (\(error))", subject: path.string)
        }
        defer { try? file.close() }
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0,
            status.st_mode & S_IFMT != S_IFREG || status.st_mode & 0o077 == 0
        else {
            throw RootcellarError(
                .policy,
                "others can read the passphrase",
                subject: path.string,
                hint: "chmod it to 0600"
            )
        }
        return try line(file, path.string)
    }

    private static func line(_ file: FileDescriptor, _ subject: String) throws(RootcellarError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: limit + 1)
        do {
            while bytes.count <= limit, !bytes.contains(0x0A) {
                let count = try unsafe buffer.withUnsafeMutableBytes { unsafe try file.read(into: $0) }
                if count == 0 { break }
                bytes += buffer.prefix(count)
            }
        } catch {
            throw RootcellarError(.policy, "the passphrase cannot be read (\(error))", subject: subject)
        }
        let line = Array(bytes.prefix { $0 != 0x0A })
        guard !line.isEmpty, line.count <= limit, !line.contains(0) else {
            throw RootcellarError(
                .policy,
                "its first line is not a passphrase",
                subject: subject,
                hint: "write 1 to \(limit) bytes"
            )
        }
        return line
    }
}
